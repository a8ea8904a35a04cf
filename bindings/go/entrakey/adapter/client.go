// Package adapter is what the adapters for clients of Redis have in common; programs have no need of it. Its [Client] is for
// rueidis and valkey-go, which send AUTH again by a timer of their own.
package adapter

import (
	"context"
	"net"
	"runtime"
	"sync"
	"time"

	"entrakey.invalid/go/entrakey"
)

// soonest: such a client does not ask again earlier.
const soonest = time.Second

// Client is what the connections of one client share.
type Client struct {
	Provider       *entrakey.Provider
	AllowPlaintext bool
	Remedy         string // how TLS is switched on
	RESP2          bool   // a subscriber cannot authenticate again then, so nothing does

	mutex       sync.Mutex
	connections int
	watch       *entrakey.Watch // nil while there is no connection, so that a client that is gone leaves nothing behind
	collected   runtime.Cleanup // which ends the watch of a client that nobody has closed
	refused     uint64          // the newest version that a server refused
}

// Credentials are a user name and a password, and when to ask again. Without a name there is nothing new.
type Credentials struct {
	Username, Password string
	RefreshAfter       time.Time
}

// Connection is what the client gets instead of a connection to this address.
func (c *Client) Connection(inner net.Conn, name string) net.Conn {
	return &pipe{Conn: inner, client: c, name: name}
}

// Credentials for a new connection, or one that is to authenticate again; of is its RemoteAddr. An error would close a live one:
// during an outage it stays on its token, as it does while the server refuses the newer one.
func (c *Client) Credentials(of net.Addr) (Credentials, error) {
	to, isOurs := of.(address)
	if !isOurs {
		return Credentials{}, &entrakey.Error{Kind: entrakey.ErrInternal, Message: "the client asks for a connection that it did not dial."}
	}
	p := to.of
	if !c.AllowPlaintext {
		if err := CheckPlaintext(p.Conn, p.name, c.Remedy); err != nil {
			return Credentials{}, err
		}
	}
	p.mutex.Lock()
	p.confirm()
	on := p.on
	p.mutex.Unlock()
	token, err := c.token()
	if err != nil {
		return Credentials{}, err
	}
	if on != 0 && (token.Version() == on || c.isRefused(token.Version())) {
		return Credentials{RefreshAfter: c.moment(token)}, nil
	}
	if err := c.opens(p, token); err != nil {
		return Credentials{}, err
	}
	credentials := Credentials{Username: token.Username(), Password: token.Secret()}
	switch {
	case c.RESP2:
	case on == 0:
		credentials.RefreshAfter = c.moment(token)
	default: // soon, which says that this one was taken
		credentials.RefreshAfter = time.Now().Add(soonest)
	}
	return credentials, nil
}

func (c *Client) token() (*entrakey.Token, error) {
	token, err := c.Provider.TokenForConnect(context.Background())
	if err == nil {
		return token, nil
	}
	if token = c.Provider.Current(); token != nil {
		return token, nil
	}
	return nil, err
}

// opens counts a connection that is about to send this token.
func (c *Client) opens(p *pipe, token *entrakey.Token) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.ended {
		return net.ErrClosed
	}
	if p.entry == nil {
		entry, err := c.opened(token.Version())
		if err != nil {
			return err
		}
		p.entry = entry
	}
	p.pending, p.failure = token, nil
	return nil
}

func (c *Client) opened(version uint64) (*entrakey.Connection, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.watch == nil {
		watch, err := c.Provider.Watch()
		if err != nil {
			return nil, err
		}
		c.watch = watch
		c.collected = runtime.AddCleanup(c, func(w *entrakey.Watch) { _ = w.Close() }, watch)
		go take(watch)
	}
	c.connections++
	return c.watch.Opened(version), nil
}

// take takes the news, of which each connection hears when it asks. It knows the watch only: a client that is dropped is collected.
func take(watch *entrakey.Watch) {
	for {
		if _, err := watch.Wait(context.Background()); err != nil {
			return // the provider was closed, or there is no connection any more
		}
	}
}

func (c *Client) closed() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.connections--
	if c.connections == 0 {
		c.collected.Stop()
		_ = c.watch.Close() // which ends take
		c.watch = nil
	}
}

func (c *Client) refuses(version uint64) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.refused = max(c.refused, version)
}

func (c *Client) isRefused(version uint64) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.refused == version
}

// moment is when a connection on this token asks for its successor. One that is late is asked for again.
func (c *Client) moment(token *entrakey.Token) time.Time {
	return time.Now().Add(max(c.Provider.ReauthIn(token.Version()), soonest))
}
