package entrakeygoredis

import (
	"bytes"
	"strconv"
)

type kind int

const (
	other kind = iota
	authenticates
	subscribes
)

// command is what matters of one.
type command struct {
	kind     kind
	protocol int // of HELLO
}

// first reads the command at the head of what go-redis writes at once. It writes AUTH, HELLO and each SUBSCRIBE by itself; what
// stands further on in a pipeline is not looked at, nor is more than a name of all other commands.
func first(p []byte) command {
	rest, ok := bytes.CutPrefix(p, []byte("*"))
	if !ok {
		return command{}
	}
	if _, rest, ok = line(rest); !ok {
		return command{}
	}
	name, rest, ok := bulk(rest)
	if !ok {
		return command{}
	}
	switch string(bytes.ToLower(name)) {
	case "auth":
		return command{kind: authenticates}
	case "hello":
		version, _, _ := bulk(rest)
		protocol, err := strconv.Atoi(string(version))
		if err != nil {
			protocol = 0
		}
		return command{authenticates, protocol}
	case "subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe":
		return command{kind: subscribes}
	}
	return command{}
}

// line is what stands before the next end of a line, and what comes after that.
func line(p []byte) (text, rest []byte, ok bool) { return bytes.Cut(p, []byte("\r\n")) }

// bulk is a bulk string of no more than a name's length.
func bulk(p []byte) (text, rest []byte, ok bool) {
	const longestName = 16
	if len(p) == 0 || p[0] != '$' {
		return nil, nil, false
	}
	digits, _, ok := line(p[1:min(len(p), 8)])
	if !ok {
		return nil, nil, false
	}
	length, err := strconv.Atoi(string(digits))
	rest = p[len("$")+len(digits)+len("\r\n"):]
	if err != nil || length < 0 || length > longestName || len(rest) < length+2 {
		return nil, nil, false
	}
	return rest[:length], rest[length+2:], true
}

// auth is the command AUTH.
func auth(username, password string) []byte {
	p := []byte("*3\r\n$4\r\nAUTH\r\n")
	for _, argument := range []string{username, password} {
		p = append(p, '$')
		p = strconv.AppendInt(p, int64(len(argument)), 10)
		p = append(p, "\r\n"...)
		p = append(p, argument...)
		p = append(p, "\r\n"...)
	}
	return p
}
