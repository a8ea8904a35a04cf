package entrakeygoredis

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"weak"

	"entrakey.invalid/go/entrakey"
	"entrakey.invalid/go/entrakey/adapter"
)

// errSuperseded is why the pool drops a connection before use.
var errSuperseded = errors.New("entrakeygoredis: a newer token has replaced the one that this connection is on")

// RefusedError is why a server does not take a token, when go-redis connects.
type RefusedError = adapter.RefusedError

// connection is one of go-redis's. It reads along what is written, to know which token it is on and whether it subscribes, and
// the answers to AUTH.
type connection struct {
	net.Conn
	client        *client
	server        *server
	network, name string // the address as the options have it

	writing  sync.Mutex // a command of go-redis's, or our AUTH
	requests adapter.Requests

	shown []byte // what was read and did not fit; these two are Read's alone
	tail  []byte // the beginning of an answer that may be ours

	mutex      sync.Mutex
	entry      *entrakey.Connection // the ledger's; nil until it sends one of our tokens
	on         uint64               // the version of the token that it is on, or is about to be
	expires    time.Time            // when that token does
	protocol   int
	subscribed bool
	news       uint64    // the version that replaces its own; 0 if none does
	due        time.Time // from when on it leaves its token for that
	timer      *time.Timer
	waiting    []question // what has been asked and is answered in this order
	listens    bool       // to the answers: while it connects, and once it subscribes
	replies    adapter.Replies
	limit      time.Time // what go-redis has set as the deadline of a Write
	refused    error     // what every Read says once the server has not taken the token
	ended      bool
}

// question is one whose answer is waited for. One of go-redis's own needs no token.
type question struct {
	token    *entrakey.Token
	protocol int  // that HELLO asked for
	ours     bool // go-redis did not ask, and is not to see the answer
}

func (c *connection) Write(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	ready, commands, err := c.requests.Take(p)
	if err != nil {
		return 0, err
	}
	for _, command := range commands {
		if err := c.begins(command); err != nil {
			return 0, err
		}
	}
	if len(ready) == 0 {
		return len(p), nil // it is held back
	}
	if _, err := c.Conn.Write(ready); err != nil {
		return 0, err
	}
	return len(p), nil
}

// begins is told each command that go-redis is about to write.
func (c *connection) begins(command adapter.Command) error {
	if command.Arguments != nil {
		if token := c.client.sent(command.Arguments); token != nil {
			protocol := 0
			if command.Name == "hello" {
				protocol, _ = strconv.Atoi(command.Arguments[0])
			}
			return c.authenticates(token, protocol)
		}
	}
	if strings.HasSuffix(command.Name, "subscribe") {
		c.subscribes()
		return nil
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.subscribed {
		c.waiting = append(c.waiting, question{})
	}
	return nil
}

func (c *connection) authenticates(token *entrakey.Token, protocol int) error {
	if err := c.client.checkPlaintext(c.Conn, c.name); err != nil {
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
		c.leave(entry)
		return net.ErrClosed
	}
	c.entry = entry
	if c.on == 0 {
		c.on, c.expires = token.Version(), token.ExpiresAt()
	}
	c.waiting = append(c.waiting, question{token: token, protocol: protocol})
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
	c.schedule(c.due)
}

// Read gives go-redis all that it has asked for.
func (c *connection) Read(p []byte) (int, error) {
	for {
		if len(c.shown) > 0 {
			n := copy(p, c.shown)
			c.shown = c.shown[n:]
			return n, nil
		}
		c.mutex.Lock()
		refused := c.refused
		c.mutex.Unlock()
		if refused != nil { // again and again: go-redis ignores the error when it looks for what was pushed
			return 0, refused
		}
		n, err := c.Conn.Read(p)
		if n == 0 {
			return 0, err
		}
		read := p[:n]
		if len(c.tail) > 0 {
			read, c.tail = append(c.tail, read...), nil
		}
		shown, refused := c.hears(read)
		if refused != nil {
			return 0, refused
		}
		n = copy(p, shown)
		if c.shown = slices.Clone(shown[n:]); n > 0 || err != nil {
			return n, err
		}
	}
}

// hears is told what was read, and gives what go-redis is to see of it.
func (c *connection) hears(read []byte) (shown []byte, refused error) {
	c.mutex.Lock()
	if !c.listens {
		c.mutex.Unlock()
		return read, nil
	}
	answers := c.replies.Read(read)
	if slices.ContainsFunc(c.waiting, func(asked question) bool { return asked.ours }) {
		torn := len(read) - c.replies.Unread()
		c.tail = slices.Clone(read[torn:])
		read = read[:torn]
	}
	c.mutex.Unlock()
	from := 0
	for _, answer := range answers {
		isOurs, refused := c.answered(answer.Line)
		if refused != nil {
			return nil, refused
		}
		if isOurs && answer.Start >= 0 {
			shown = append(shown, read[from:answer.Start]...)
			from = answer.End
		}
	}
	if from == 0 {
		return read, nil
	}
	return append(shown, read[from:]...), nil
}

// answered is told each answer. The error stands for a refusal when go-redis connects: go-redis would show the server's word only,
// after asking once more.
func (c *connection) answered(line string) (isOurs bool, refused error) {
	c.mutex.Lock()
	if len(c.waiting) == 0 || c.waiting[0].ours && !isOfAuth(line) {
		c.mutex.Unlock()
		return false, nil
	}
	asked := c.waiting[0]
	c.waiting = c.waiting[1:]
	if asked.token == nil {
		c.mutex.Unlock()
		return false, nil
	}
	accepted := line[0] != '-'
	if accepted {
		c.on, c.expires = asked.token.Version(), asked.token.ExpiresAt()
		c.protocol = max(c.protocol, asked.protocol)
		if c.news <= asked.token.Version() {
			c.news = 0
		}
	}
	c.listens = c.subscribed || !accepted // go-redis may ask in another way
	entry, left := c.entry, time.Until(c.expires)
	c.mutex.Unlock()
	version := asked.token.Version()
	if accepted {
		entry.Authenticated(version)
		c.server.hasAccepted(version)
		return asked.ours, nil
	}
	rejection, err := entry.Refused(version, line[1:])
	if err != nil || rejection.Reason == "not_a_refusal" {
		return asked.ours, nil
	}
	c.server.putsOff(version, left)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if asked.ours { // it is on its old token still
		c.schedule(time.Now().Add(min(pause, left/4)))
		return true, nil
	}
	c.refused = &RefusedError{Answer: line[1:], Reason: rejection.Reason, Explanation: rejection.Explanation}
	return false, c.refused
}

// isOfAuth: the other errors that a subscriber sees answer a SUBSCRIBE, of which nothing but a refusal is an answer.
func isOfAuth(line string) bool {
	for _, prefix := range []string{"+", "-WRONGPASS", "-NOAUTH", "-ERR"} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

// superseded is told the version that replaces this connection's own.
func (c *connection) superseded(version uint64) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.ended || c.entry == nil || !c.entry.IsBehind(version) {
		return
	}
	c.news = version
	c.due = time.Now().Add(c.client.provider.ReauthIn(c.on)) // each at its own moment, so that they do not all come at once
	c.schedule(c.due)
}

// schedule, with the mutex held: a subscriber is in nobody's pool, and moves by itself.
func (c *connection) schedule(at time.Time) {
	if c.subscribed && c.news != 0 && !c.ended {
		if c.timer != nil {
			c.timer.Stop()
		}
		c.timer = time.AfterFunc(time.Until(at), c.move)
	}
}

// move takes a subscriber to the newest token.
func (c *connection) move() {
	c.mutex.Lock()
	protocol, news, ended, left := c.protocol, c.news, c.ended, time.Until(c.expires)
	c.mutex.Unlock()
	if ended || news == 0 {
		return
	}
	// Redis takes no AUTH from a subscriber then: go-redis connects and subscribes again.
	if protocol < 3 && (left <= 0 || c.mayLeave(news, left)) {
		_ = c.Conn.Close()
		return
	}
	if protocol < 3 || c.server.isPutOff(news) {
		c.mutex.Lock()
		defer c.mutex.Unlock()
		c.schedule(time.Now().Add(min(time.Second, left/4)))
		return
	}
	c.authenticateInPlace()
}

func (c *connection) authenticateInPlace() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	token, err := c.client.provider.Token(ctx)
	if err != nil {
		return // the next token is news again
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	if !c.requests.IsBetween() { // a command has been begun
		c.mutex.Lock()
		defer c.mutex.Unlock()
		c.schedule(time.Now().Add(soon))
		return
	}
	c.mutex.Lock()
	c.waiting = append(c.waiting, question{token: token, ours: true})
	c.mutex.Unlock()
	// go-redis leaves the deadline of its last command behind, and TLS is dead after a write that came too late.
	_ = c.Conn.SetWriteDeadline(time.Now().Add(patience))
	_, err = c.Conn.Write(auth(token.Username(), token.Secret()))
	c.mutex.Lock()
	defer c.mutex.Unlock()
	_ = c.Conn.SetWriteDeadline(c.limit)
	if err != nil {
		_ = c.Conn.Close()
	}
}

// mayLeave: the server is known to take the token of this version. If it is not, a connection of our own finds out meanwhile.
func (c *connection) mayLeave(version uint64, left time.Duration) bool {
	takes, tries := c.server.takes(version)
	if tries {
		go c.client.try(c.server, c.network, c.name, left)
	}
	return takes
}

// SyscallConn is what the pool's health check asks for before it hands a connection out.
func (c *connection) SyscallConn() (syscall.RawConn, error) {
	c.mutex.Lock()
	news, isDue, left := c.news, !time.Now().Before(c.due), time.Until(c.expires)
	c.mutex.Unlock()
	if news != 0 && isDue && (left <= 0 || c.mayLeave(news, left)) {
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

// SetDeadline sets both, and is remembered: an AUTH of ours has a deadline of its own.
func (c *connection) SetDeadline(t time.Time) error {
	if err := c.SetWriteDeadline(t); err != nil {
		return err
	}
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline sets and remembers it.
func (c *connection) SetWriteDeadline(t time.Time) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.limit = t
	return c.Conn.SetWriteDeadline(t)
}

func (c *connection) Close() error {
	c.mutex.Lock()
	entry, ended := c.entry, c.ended
	c.ended = true
	if c.timer != nil {
		c.timer.Stop()
	}
	c.mutex.Unlock()
	if entry != nil && !ended {
		c.leave(entry)
	}
	return c.Conn.Close()
}

func (c *connection) leave(entry *entrakey.Connection) {
	entry.Close()
	c.client.closed(weak.Make(c))
}
