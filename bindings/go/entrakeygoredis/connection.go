package entrakeygoredis

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"

	"entrakey.invalid/go/entrakey"
	"entrakey.invalid/go/entrakey/adapter"
)

const (
	writeTimeout = 5 * time.Second
	tokenTimeout = 5 * time.Second
)

// errSuperseded is why the pool drops a connection before use.
var errSuperseded = errors.New("entrakeygoredis: a newer token has replaced the one that this connection is on")

// connection is one of go-redis's. It reads along what is written, to know which token it is on and whether it subscribes, and
// the answers to AUTH.
type connection struct {
	net.Conn
	client *client
	name   string // the address as the options have it

	writing sync.Mutex // a command of go-redis's, or our AUTH

	mutex      sync.Mutex
	entry      *entrakey.Connection // the ledger's; nil until it sends one of our tokens
	on         uint64               // the version of the token that it is on, or is about to be
	protocol   int
	subscribed bool
	news       uint64    // the version that replaces its own; 0 if none does
	due        time.Time // from when on it leaves its token for that
	timer      *time.Timer
	waiting    []answer // what has been asked and is answered in this order
	listens    bool     // to the answers: while it connects, and once it subscribes
	replies    adapter.Replies
	refused    error // what every Read says once the server has not taken the token
	ended      bool
}

// answer is one that is waited for. One of go-redis's own needs no token.
type answer struct {
	token    *entrakey.Token
	protocol int  // that HELLO asked for
	ours     bool // go-redis did not ask
}

func (c *connection) Write(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.reads(p); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// reads looks at what go-redis is about to write.
func (c *connection) reads(p []byte) error {
	switch command := first(p); command.kind {
	case authenticates:
		if token := c.client.sent(p); token != nil {
			return c.authenticates(token, command.protocol)
		}
	case subscribes:
		c.subscribes()
	default:
		c.mutex.Lock()
		defer c.mutex.Unlock()
		if c.subscribed {
			c.waiting = append(c.waiting, answer{})
		}
	}
	return nil
}

func (c *connection) authenticates(token *entrakey.Token, protocol int) error {
	if err := c.checkPlaintext(); err != nil {
		return err
	}
	c.mutex.Lock()
	entry := c.entry
	c.mutex.Unlock()
	if entry == nil {
		var err error
		if entry, err = c.client.opened(c, token); err != nil {
			return err
		}
	}
	c.mutex.Lock()
	if c.ended { // meanwhile
		c.mutex.Unlock()
		entry.Close()
		c.client.closed(c)
		return net.ErrClosed
	}
	c.entry = entry
	if c.on == 0 {
		c.on = token.Version()
	}
	c.waiting = append(c.waiting, answer{token: token, protocol: protocol})
	c.listens = true
	c.mutex.Unlock()
	if newest := c.client.provider.Version(); newest > token.Version() { // its news came before the watch
		c.superseded(newest)
	}
	return nil
}

func (c *connection) subscribes() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.entry == nil || c.subscribed {
		return
	}
	c.subscribed = true
	if !c.listens {
		c.listens, c.replies = true, adapter.Replies{} // all that was asked before has been answered
	}
	c.schedule()
}

func (c *connection) Read(p []byte) (int, error) {
	c.mutex.Lock()
	refused := c.refused
	c.mutex.Unlock()
	if refused != nil { // again and again: go-redis ignores the error when it looks for what was pushed
		return 0, refused
	}
	n, err := c.Conn.Read(p)
	c.mutex.Lock()
	var read []string
	if c.listens {
		read = c.replies.Read(p[:n])
	}
	c.mutex.Unlock()
	for _, reply := range read {
		if refused := c.answered(reply); refused != nil {
			return 0, refused
		}
	}
	return n, err
}

// answered is told each answer. What it returns stands for a refusal when go-redis connects: go-redis would show the server's
// word only, after asking once more.
func (c *connection) answered(line string) error {
	c.mutex.Lock()
	if len(c.waiting) == 0 {
		c.mutex.Unlock()
		return nil
	}
	asked := c.waiting[0]
	c.waiting = c.waiting[1:]
	if asked.token == nil {
		c.mutex.Unlock()
		return nil
	}
	accepted := line[0] != '-'
	if accepted {
		c.on = asked.token.Version()
		c.protocol = max(c.protocol, asked.protocol)
		if c.news <= asked.token.Version() {
			c.news = 0
		}
	}
	c.listens = c.subscribed || !accepted // go-redis may ask in another way
	entry := c.entry
	c.mutex.Unlock()
	version := asked.token.Version()
	if accepted {
		entry.Authenticated(version)
		return nil
	}
	rejection, err := entry.Refused(version, line[1:])
	if err != nil || rejection.Reason == "not_a_refusal" {
		return nil
	}
	c.client.refuses(version)
	if asked.ours {
		return nil // it is on its old token still
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.refused = &RefusedError{Answer: line[1:], Reason: rejection.Reason, Explanation: rejection.Explanation}
	return c.refused
}

// RefusedError is why a server does not take a token, when go-redis connects.
type RefusedError struct {
	Answer      string // the server's
	Reason      string // "no_access_policy" for example
	Explanation string // who the token was for, and what to do; holds ids and no secret
}

func (e *RefusedError) Error() string { return e.Answer + " " + e.Explanation }

// superseded is told the version that replaces this connection's own.
func (c *connection) superseded(version uint64) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.ended || c.entry == nil || !c.entry.IsBehind(version) {
		return
	}
	c.news = version
	c.due = time.Now().Add(c.client.provider.ReauthIn(c.on)) // each at its own moment, so that they do not all come at once
	c.schedule()
}

// schedule, with the mutex held: a subscriber is in nobody's pool, and moves by itself.
func (c *connection) schedule() {
	if c.subscribed && c.news != 0 && !c.ended {
		if c.timer != nil {
			c.timer.Stop()
		}
		c.timer = time.AfterFunc(time.Until(c.due), c.move)
	}
}

// move takes a subscriber to the newest token.
func (c *connection) move() {
	c.mutex.Lock()
	protocol, news, ended := c.protocol, c.news, c.ended
	c.mutex.Unlock()
	if ended || news == 0 || c.client.isRefused(news) {
		return
	}
	if protocol < 3 { // Redis takes no AUTH from a subscriber then: go-redis connects and subscribes again
		_ = c.Conn.Close()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), tokenTimeout)
	defer cancel()
	token, err := c.client.provider.Token(ctx)
	if err != nil {
		return // the next token is news again
	}
	c.client.remember(token)
	c.writing.Lock()
	defer c.writing.Unlock()
	c.mutex.Lock()
	c.waiting = append(c.waiting, answer{token: token, ours: true})
	c.mutex.Unlock()
	// go-redis leaves the deadline of its last command behind, and TLS is dead after a write that came too late.
	_ = c.Conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := c.Conn.Write(auth(token.Username(), token.Secret())); err != nil {
		_ = c.Conn.Close()
	}
}

// SyscallConn is what the pool's health check asks for before it hands a connection out.
func (c *connection) SyscallConn() (syscall.RawConn, error) {
	c.mutex.Lock()
	leaves := c.news != 0 && !time.Now().Before(c.due)
	news := c.news
	c.mutex.Unlock()
	if leaves && !c.client.isRefused(news) {
		return nil, errSuperseded
	}
	if inner, ok := c.Conn.(syscall.Conn); ok {
		return inner.SyscallConn()
	}
	return unchecked{}, nil // of TLS, go-redis checks nothing
}

// unchecked is a connection in which nothing can be peeked at.
type unchecked struct{}

func (unchecked) Control(func(uintptr)) error    { return nil }
func (unchecked) Read(func(uintptr) bool) error  { return nil }
func (unchecked) Write(func(uintptr) bool) error { return nil }

// NetConn is the connection within.
func (c *connection) NetConn() net.Conn { return c.Conn }

func (c *connection) Close() error {
	c.mutex.Lock()
	entry, ended := c.entry, c.ended
	c.ended = true
	if c.timer != nil {
		c.timer.Stop()
	}
	c.mutex.Unlock()
	if entry != nil && !ended {
		entry.Close()
		c.client.closed(c)
	}
	return c.Conn.Close()
}

// checkPlaintext refuses to send a token that could be read on its way.
func (c *connection) checkPlaintext() error {
	peer, isTCP := c.Conn.RemoteAddr().(*net.TCPAddr)
	if c.client.allowPlaintext || !isTCP || adapter.IsTLS(c.Conn) {
		return nil
	}
	return entrakey.CheckPlaintext(peer.IP.String(), c.name, "set TLSConfig, or use a rediss:// address (entrakeygoredis.AllowPlaintext permits it, for a tunnel that encrypts)")
}
