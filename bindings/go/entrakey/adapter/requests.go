package adapter

import (
	"bytes"
	"errors"
	"strconv"
)

const (
	longestNumber = 24       // bytes of a line with one, and more than Redis takes
	longestName   = 32       // bytes of the name of a command
	longestAuth   = 64 << 10 // bytes of AUTH or HELLO: a token takes a few thousand
)

var errNoCommand = errors.New("entrakey: what the client writes to Redis is no command, or a longer AUTH than any server takes")

// Command is one that a client writes.
type Command struct {
	Name      string   // in lower case, if it is one of those that an adapter has to know; else empty
	Arguments []string // of AUTH and HELLO; nil for other commands
}

// known are the names that matter. They are compared in place: this is read for each command of each client.
var known = []string{"auth", "hello", "subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe"}

func nameOf(text []byte) string {
	for _, name := range known {
		if len(name) == len(text) && bytes.EqualFold(text, []byte(name)) {
			return name
		}
	}
	return ""
}

// Requests finds where the commands of a client begin, however it cuts them into pieces. What stands in an argument is never
// taken for a command. AUTH and HELLO are held back until they are whole, so that nothing of one is sent unseen.
type Requests struct {
	held      []byte // of the next command, while too little of it has come
	arguments int    // of the command under way that are to come
	skip      int    // bytes of the argument under way that are to come, with its end
	line      []byte // the head of that argument, if it was cut
	found     []Command
}

// Take is given what a client writes. It returns what is to be written now, and the commands that begin in that, which are good
// until the next Take.
func (r *Requests) Take(p []byte) (ready []byte, commands []Command, err error) {
	if len(r.held) > 0 {
		p, r.held = append(r.held, p...), nil
	}
	commands = r.found[:0]
	defer func() { r.found = commands }()
	for at := 0; at < len(p); {
		if r.arguments > 0 {
			passed, err := r.pass(p[at:])
			if err != nil {
				return nil, nil, err
			}
			at += passed
			continue
		}
		command, arguments, length, err := begin(p[at:])
		if err != nil {
			return nil, nil, err
		}
		if length == 0 {
			r.held = bytes.Clone(p[at:])
			return p[:at], commands, nil
		}
		r.arguments = arguments
		at += length
		commands = append(commands, command)
	}
	return p, commands, nil
}

// Holds: something was held back.
func (r *Requests) Holds() bool { return len(r.held) > 0 }

// IsBetween: what was given so far ends with a whole command.
func (r *Requests) IsBetween() bool { return r.arguments == 0 && len(r.held) == 0 }

// pass goes on inside an argument, or to the end of its head.
func (r *Requests) pass(p []byte) (passed int, err error) {
	if r.skip > 0 {
		passed = min(r.skip, len(p))
		if r.skip -= passed; r.skip == 0 {
			r.arguments--
		}
		return passed, nil
	}
	cut := len(r.line)
	r.line = append(r.line, p[:min(longestNumber, len(p))]...)
	length, head, err := number(r.line, '$')
	if err != nil {
		return 0, err
	}
	if head == 0 {
		return len(p), nil
	}
	r.line, r.skip = r.line[:0], length+len("\r\n")
	return head - cut, nil
}

// begin reads the head of a command: how many arguments come after length bytes. AUTH and HELLO are read whole. length is 0 if too
// little has come.
func begin(p []byte) (command Command, arguments, length int, err error) {
	words, at, err := number(p, '*')
	if err != nil || at == 0 || words <= 0 {
		return command, 0, at, err
	}
	name, end, err := argument(p[at:], longestName)
	if err != nil || end == 0 {
		return command, 0, 0, err
	}
	command.Name = nameOf(name)
	if command.Name != "auth" && command.Name != "hello" {
		return command, words, at, nil
	}
	at += end
	command.Arguments = []string{}
	for range words - 1 {
		argument, end, err := argument(p[at:], longestAuth)
		if err != nil || end == 0 {
			return command, 0, 0, err
		}
		command.Arguments = append(command.Arguments, string(argument))
		at += end
	}
	return command, 0, at, nil
}

// argument reads one that is not longer. length is 0 if too little has come, and of a name that is longer the end.
func argument(p []byte, longest int) (text []byte, length int, err error) {
	size, head, err := number(p, '$')
	if err != nil || head == 0 {
		return nil, 0, err
	}
	if size > longest {
		if longest == longestAuth {
			return nil, 0, errNoCommand
		}
		return nil, head, nil // no name that anybody looks for
	}
	end := head + size + len("\r\n")
	if len(p) < end {
		return nil, 0, nil
	}
	return p[head : head+size], end, nil
}

// number reads a line that is one behind its kind. length is 0 if too little has come.
func number(p []byte, kind byte) (value, length int, err error) {
	if len(p) == 0 {
		return 0, 0, nil
	}
	end := bytes.IndexByte(p[:min(longestNumber, len(p))], '\n')
	if p[0] != kind || end < 0 && len(p) >= longestNumber {
		return 0, 0, errNoCommand
	}
	if end < 0 {
		return 0, 0, nil
	}
	value, err = strconv.Atoi(string(bytes.TrimSuffix(p[1:end], []byte("\r"))))
	if err != nil || kind == '$' && value < 0 {
		return 0, 0, errNoCommand
	}
	return value, end + 1, nil
}
