package adapter

import (
	"bytes"
	"net"
	"slices"
	"sync"

	"entrakey.invalid/go/entrakey"
)

// RefusedError is why a server does not take a token when a client connects.
type RefusedError struct {
	Answer      string // the server's
	Reason      string // "no_access_policy" for example
	Explanation string // who the token was for, and what to do; holds ids and no secret
}

func (e *RefusedError) Error() string { return e.Answer + " " + e.Explanation }

// pipe is a connection. It reads along the answer to the first AUTH. Later ones are somewhere in a pipeline: that one was taken
// is known when the client asks for the next token, and that one was not when it closes the connection instead.
type pipe struct {
	net.Conn
	client *Client
	name   string // the address as the options have it

	mutex    sync.Mutex
	entry    *entrakey.Connection // the ledger's; nil until a token was asked for
	on       uint64               // the version that the server has taken; 0 before
	pending  *entrakey.Token      // of which the answer is not known
	requests Requests             // what the client writes until its first AUTH was taken
	begun    bool                 // the first AUTH was sent, and its answer comes next
	replies  Replies
	failure  []byte // the last error that the server has answered while a later AUTH was pending
	refused  error  // what every Read says once the server has not taken the first token
	ended    bool
}

// address is what clients show of a connection to those who give credentials.
type address struct {
	net.Addr
	of *pipe
}

func (p *pipe) RemoteAddr() net.Addr { return address{p.Conn.RemoteAddr(), p} }

// NetConn is the connection within.
func (p *pipe) NetConn() net.Conn { return p.Conn }

func (p *pipe) Write(b []byte) (int, error) {
	ready, err := p.take(b)
	if err != nil {
		return 0, err
	}
	if len(ready) > 0 { // else it is held back
		if _, err := p.Conn.Write(ready); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// take looks at what a client begins with, and gives what is to be sent now.
func (p *pipe) take(b []byte) ([]byte, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.on != 0 && !p.requests.Holds() {
		return b, nil
	}
	ready, commands, err := p.requests.Take(b)
	for _, command := range commands {
		if p.on == 0 && p.pending != nil && slices.Contains(command.Arguments, p.pending.Secret()) {
			p.begun, p.replies = true, Replies{}
		}
	}
	return ready, err
}

func (p *pipe) Read(b []byte) (int, error) {
	p.mutex.Lock()
	refused := p.refused
	p.mutex.Unlock()
	if refused != nil {
		return 0, refused
	}
	n, err := p.Conn.Read(b)
	p.mutex.Lock()
	defer p.mutex.Unlock()
	switch {
	case p.pending == nil:
	case p.on != 0:
		p.keep(b[:n])
	case p.begun:
		if answers := p.replies.Read(b[:n]); len(answers) > 0 {
			p.begun = false
			if refused := p.answered(answers[0].Line); refused != nil {
				p.refused = refused
				return 0, refused
			}
		}
	}
	return n, err
}

// answered is told the answer to the first AUTH, with the mutex held.
func (p *pipe) answered(line string) error {
	version := p.pending.Version()
	if line[0] != '-' {
		p.entry.Authenticated(version)
		p.on, p.pending = version, nil
		return nil
	}
	rejection, err := p.entry.Refused(version, line[1:])
	if err != nil || rejection.Reason == "not_a_refusal" {
		return nil // the client asks in another way
	}
	p.client.refuses(version)
	return &RefusedError{Answer: line[1:], Reason: rejection.Reason, Explanation: rejection.Explanation}
}

// keep holds on to what looks like an error, with the mutex held.
func (p *pipe) keep(b []byte) {
	for line := range bytes.Lines(b) {
		if line[0] == '-' && len(line) <= longestLine {
			p.failure = bytes.Clone(bytes.TrimRight(line, "\r\n"))
		}
	}
}

// confirm is told that the client goes on, with the mutex held: its last AUTH was taken.
func (p *pipe) confirm() {
	if p.pending != nil && p.on != 0 {
		p.entry.Authenticated(p.pending.Version())
		p.on, p.pending, p.failure = p.pending.Version(), nil, nil
	}
}

func (p *pipe) Close() error {
	p.mutex.Lock()
	entry, ended, pending, failure := p.entry, p.ended, p.pending, p.failure
	p.ended = true
	p.mutex.Unlock()
	if entry != nil && !ended {
		if pending != nil && len(failure) > 0 {
			if rejection, err := entry.Refused(pending.Version(), string(failure[1:])); err == nil && rejection.Reason != "not_a_refusal" {
				p.client.refuses(pending.Version())
			}
		}
		entry.Close()
		p.client.closed()
	}
	return p.Conn.Close()
}
