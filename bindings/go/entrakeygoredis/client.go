package entrakeygoredis

import (
	"bytes"
	"context"
	"maps"
	"net"
	"slices"
	"sync"

	"entrakey.invalid/go/entrakey"
)

// remembered is how many tokens a connection may be late with: it asks for one, and then sends it.
const remembered = 4

// client is what the connections of one client share: which tokens it sends, and a watch while there are connections.
type client struct {
	provider       *entrakey.Provider
	allowPlaintext bool

	mutex       sync.Mutex
	tokens      []*entrakey.Token // that were handed out, the newest last
	connections map[*connection]struct{}
	watch       *entrakey.Watch // nil while there is no connection, so that a client that is gone leaves nothing behind
	refused     uint64          // the newest version that a server refused: no connection leaves an older one for it
}

// credentials is go-redis's CredentialsProviderContext.
func (c *client) credentials(ctx context.Context) (username, password string, err error) {
	token, err := c.provider.TokenForConnect(ctx)
	if err != nil {
		return "", "", err
	}
	c.remember(token)
	return token.Username(), token.Secret(), nil
}

func (c *client) remember(token *entrakey.Token) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, known := range c.tokens {
		if known.Version() == token.Version() {
			return
		}
	}
	c.tokens = append(c.tokens, token)
	if len(c.tokens) > remembered {
		c.tokens = c.tokens[1:]
	}
}

// sent is the token that these bytes contain; nil if they contain none of ours, as on the way to a sentinel.
func (c *client) sent(command []byte) *entrakey.Token {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, token := range c.tokens {
		if bytes.Contains(command, []byte(token.Secret())) {
			return token
		}
	}
	return nil
}

func (c *client) dialer(dial dialer) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		inner, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &connection{Conn: inner, client: c, name: address, listens: true}, nil
	}
}

// opened counts a connection that is about to send this token.
func (c *client) opened(who *connection, token *entrakey.Token) (*entrakey.Connection, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.watch == nil {
		watch, err := c.provider.Watch()
		if err != nil {
			return nil, err
		}
		c.watch, c.connections = watch, map[*connection]struct{}{}
		go c.follow(watch)
	}
	c.connections[who] = struct{}{}
	return c.watch.Opened(token.Version()), nil
}

func (c *client) closed(who *connection) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	delete(c.connections, who)
	if len(c.connections) == 0 && c.watch != nil {
		_ = c.watch.Close() // which ends follow
		c.watch = nil
	}
}

// follow tells the connections of each token that replaces theirs, until the watch is closed.
func (c *client) follow(watch *entrakey.Watch) {
	for {
		version, err := watch.Wait(context.Background())
		if err != nil {
			return // the provider was closed, or there is no connection any more
		}
		c.mutex.Lock()
		connections := slices.Collect(maps.Keys(c.connections))
		c.mutex.Unlock()
		for _, connection := range connections {
			connection.superseded(version)
		}
	}
}

func (c *client) refuses(version uint64) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.refused = max(c.refused, version)
}

// isRefused: a server said no to this token, so that those who leave an older one for it would be left with nothing.
func (c *client) isRefused(version uint64) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.refused == version
}
