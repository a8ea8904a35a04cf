package entrakeygoredis

import (
	"bufio"
	"context"
	"net"
	"runtime"
	"strings"
	"sync"
	"time"
	"weak"

	"entrakey.invalid/go/entrakey"
	"entrakey.invalid/go/entrakey/adapter"
)

const (
	// remembered is how many tokens a connection may be late with: it asks for one, and then sends it.
	remembered = 4
	// soon: go-redis has written a part of a command, and writes the rest meanwhile.
	soon = 10 * time.Millisecond
	// patience is for one AUTH of our own, with all that it needs.
	patience = 5 * time.Second

	remedy = "set TLSConfig, or use a rediss:// address; a Dialer's own type around a connection of TLS needs a method NetConn that " +
		"returns that (entrakeygoredis.AllowPlaintext permits it, for a tunnel that encrypts)"
)

// client is what the connections of one client share: which tokens it sends, and a watch while there are connections. It holds no
// connection: those of a client that was dropped are collected, as they would be without us.
type client struct {
	provider       *entrakey.Provider
	allowPlaintext bool
	dial           dialer

	mutex       sync.Mutex
	tokens      []*entrakey.Token // that were handed out, the newest last
	connections map[weak.Pointer[connection]]struct{}
	watch       *entrakey.Watch // nil while there is no connection, so that a client that is gone leaves nothing behind
	servers     map[string]*server
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

// sent is the token among these arguments; nil if there is none of ours, as on the way to a sentinel.
func (c *client) sent(arguments []string) *entrakey.Token {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, token := range c.tokens {
		for _, argument := range arguments {
			if argument == token.Secret() {
				return token
			}
		}
	}
	return nil
}

func (c *client) dialer(ctx context.Context, network, address string) (net.Conn, error) {
	inner, err := c.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &connection{Conn: inner, client: c, server: c.server(address), network: network, name: address, listens: true}, nil
}

func (c *client) server(address string) *server {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	known, isKnown := c.servers[address]
	if !isKnown {
		known = &server{}
		if c.servers == nil {
			c.servers = map[string]*server{}
		}
		c.servers[address] = known
	}
	return known
}

func (c *client) checkPlaintext(inner net.Conn, name string) error {
	if c.allowPlaintext {
		return nil
	}
	return adapter.CheckPlaintext(inner, name, remedy)
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
		c.watch, c.connections = watch, map[weak.Pointer[connection]]struct{}{}
		go c.follow(watch)
	}
	pointer := weak.Make(who)
	c.connections[pointer] = struct{}{}
	runtime.AddCleanup(who, c.closed, pointer) // of a client that was dropped without Close
	return c.watch.Opened(token.Version()), nil
}

func (c *client) closed(who weak.Pointer[connection]) {
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
		c.supersede(version)
	}
}

func (c *client) supersede(version uint64) {
	c.mutex.Lock()
	pointers := make([]weak.Pointer[connection], 0, len(c.connections))
	for pointer := range c.connections {
		pointers = append(pointers, pointer)
	}
	c.mutex.Unlock()
	for _, pointer := range pointers {
		if connection := pointer.Value(); connection != nil {
			connection.superseded(version)
		}
	}
}

// try finds out whether the server takes the newest token. left is how long the one lasts that is in use.
func (c *client) try(to *server, network, address string, left time.Duration) {
	defer to.found()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	token, err := c.provider.Token(ctx)
	if err != nil {
		to.putsOff(c.provider.Version(), left)
		return
	}
	answer, err := c.ask(ctx, token, network, address)
	if err == nil && strings.HasPrefix(answer, "+") {
		to.hasAccepted(token.Version())
		return
	}
	to.putsOff(token.Version(), left)
	if err == nil {
		_, _ = c.provider.ReportRejected(token.Version(), strings.TrimPrefix(answer, "-"))
	}
}

// ask gives the server's answer to AUTH with this token.
func (c *client) ask(ctx context.Context, token *entrakey.Token, network, address string) (string, error) {
	inner, err := c.dial(ctx, network, address)
	if err != nil {
		return "", err
	}
	defer inner.Close()
	if err := c.checkPlaintext(inner, address); err != nil {
		return "", err
	}
	deadline, _ := ctx.Deadline()
	if err := inner.SetDeadline(deadline); err != nil {
		return "", err
	}
	if _, err := inner.Write(auth(token.Username(), token.Secret())); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(inner).ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}
