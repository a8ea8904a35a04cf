// Package entrakeyrueidis lets rueidis authenticate with tokens of a provider, and keeps its connections authenticated.
//
//	option := rueidis.ClientOption{InitAddress: []string{"cache:10000"}, TLSConfig: &tls.Config{}}
//	err := entrakeyrueidis.Configure(&option, provider)
//	client, err := rueidis.NewClient(option)
//
// rueidis itself sends AUTH again on its connections, at a time that it asks us for. It says nothing of the answer, so these
// connections are not counted in the provider's status and metrics.
package entrakeyrueidis

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"entrakey.invalid/go/entrakey"
	"github.com/redis/rueidis"
)

const (
	// soonest: rueidis does not ask again earlier.
	soonest = time.Second
	// spread is the share of what is left of a token, when its successor is due, over which connections ask for that.
	spread = 0.25
	// lifetime of connections that speak RESP2, if the options have none. At least three times as long is left of a token
	// of an hour when its successor comes.
	lifetime = 5 * time.Minute
)

// Option changes what Configure does.
type Option func(*client)

// AllowPlaintext sends tokens over connections without TLS that leave this machine too: for a tunnel that encrypts.
func AllowPlaintext() Option { return func(c *client) { c.allowPlaintext = true } }

type client struct {
	provider       *entrakey.Provider
	allowPlaintext bool
	resp2          bool
}

// Configure makes the client of these options authenticate with the provider's tokens. It refuses options with a Sentinel, to
// which rueidis would send them too.
//
// With AlwaysRESP2 a subscriber cannot authenticate again, so connections live for ConnLifetime, which is set to 5 minutes if it
// is not set: it must be shorter than what is left of a token when its successor comes.
func Configure(option *rueidis.ClientOption, provider *entrakey.Provider, options ...Option) error {
	if option == nil || provider == nil {
		return errors.New("entrakeyrueidis: options and a provider are needed")
	}
	if option.Sentinel.MasterSet != "" {
		return errors.New("entrakeyrueidis: rueidis would send the token to the sentinels too, so Sentinel is not supported: use go-redis with entrakeygoredis")
	}
	c := &client{provider: provider, resp2: option.AlwaysRESP2}
	for _, o := range options {
		o(c)
	}
	if dropped := drop(option); len(dropped) > 0 {
		slog.Warn("entrakeyrueidis: the options bring other credentials along, which are not used: " + strings.Join(dropped, ", "))
	}
	if c.resp2 && option.ConnLifetime == 0 {
		option.ConnLifetime = lifetime
	}
	dial := dialOf(option)
	option.DialFn = nil
	option.DialCtxFn = func(ctx context.Context, address string, dialer *net.Dialer, config *tls.Config) (net.Conn, error) {
		connection, err := dial(ctx, address, dialer, config)
		if err != nil || isTLS(connection) {
			return connection, err
		}
		return clear{connection, address}, nil
	}
	option.AuthCredentialsFn = c.credentials
	return nil
}

func drop(option *rueidis.ClientOption) (dropped []string) {
	for name, isThere := range map[string]bool{
		"Username": option.Username != "", "Password": option.Password != "", "AuthCredentialsFn": option.AuthCredentialsFn != nil,
	} {
		if isThere {
			dropped = append(dropped, name)
		}
	}
	option.Username, option.Password = "", ""
	return
}

type dial = func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error)

// dialOf is how rueidis would dial.
func dialOf(option *rueidis.ClientOption) dial {
	if option.DialCtxFn != nil {
		return option.DialCtxFn
	}
	if simple := option.DialFn; simple != nil {
		return func(_ context.Context, address string, dialer *net.Dialer, config *tls.Config) (net.Conn, error) {
			return simple(address, dialer, config)
		}
	}
	return func(ctx context.Context, address string, dialer *net.Dialer, config *tls.Config) (net.Conn, error) {
		if config == nil {
			return dialer.DialContext(ctx, "tcp", address)
		}
		return (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext(ctx, "tcp", address)
	}
}

// credentials is rueidis's AuthCredentialsFn, for a new connection and for one that is to authenticate again. An error would
// close a live connection: during an outage this gives the token that is still valid.
func (c *client) credentials(of rueidis.AuthCredentialsContext) (rueidis.AuthCredentials, error) {
	if address, isClear := of.Address.(clearAddress); isClear && !c.allowPlaintext {
		if err := address.check(); err != nil {
			return rueidis.AuthCredentials{}, err
		}
	}
	token, err := c.provider.TokenForConnect(context.Background())
	if err != nil {
		if token = c.provider.Current(); token == nil {
			return rueidis.AuthCredentials{}, err
		}
	}
	credentials := rueidis.AuthCredentials{Username: token.Username(), Password: token.Secret()}
	if !c.resp2 {
		credentials.RefreshAfter = moment(time.Now(), token.RefreshAt(), token.ExpiresAt())
	}
	return credentials, nil
}

// moment is when a connection asks for the successor of a token: when that is due, and at random, so that connections do not all
// ask at once. A successor that is late is asked for again within what is left.
func moment(now, refresh, expires time.Time) time.Time {
	from := now.Add(soonest)
	if refresh.After(from) {
		from = refresh
	}
	return from.Add(time.Duration(rand.Float64() * spread * float64(max(expires.Sub(from), 0))))
}

// clear is a connection without TLS. rueidis shows its address to those who give credentials.
type clear struct {
	net.Conn
	name string // the address as the options have it
}

func (c clear) RemoteAddr() net.Addr { return clearAddress{c.Conn.RemoteAddr(), c.name} }

type clearAddress struct {
	net.Addr
	name string
}

func (a clearAddress) check() error {
	peer, isTCP := a.Addr.(*net.TCPAddr)
	if !isTCP {
		return nil
	}
	return entrakey.CheckPlaintext(peer.IP.String(), a.name, "set TLSConfig, or use a rediss:// address (entrakeyrueidis.AllowPlaintext permits it, for a tunnel that encrypts)")
}

func isTLS(c net.Conn) bool {
	for range 8 { // wrappers within wrappers
		if _, ok := c.(interface{ HandshakeContext(context.Context) error }); ok {
			return true
		}
		wrapper, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return false
		}
		c = wrapper.NetConn()
	}
	return false
}
