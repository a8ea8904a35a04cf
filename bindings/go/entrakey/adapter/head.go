package adapter

import "bytes"

// longestHead: more is not kept. From a connection that has not authenticated redis-server takes no argument of more than 16 KiB
// (src/networking.c), so longer is no AUTH.
const longestHead = 64 << 10

// Head puts the pieces of AUTH and HELLO together: a client whose buffer is smaller than a token writes the command in several
// Writes. It is for as long as a client connects, for it reads everything that is written, and until it holds nothing back any
// more. The zero value is ready for a new connection.
type Head struct {
	held    []byte  // the beginning of a command that is AUTH or HELLO, or may become one
	written Replies // which reads commands as well: where the last one ends
}

// Take is given what the client writes, and returns what is to be sent now: nothing while an AUTH or HELLO at the beginning is
// incomplete, else what was held back with p behind it. command is that AUTH or HELLO, whole; nil if there is none. A command
// that begins further on in p is passed on as it is. Both may share p's memory.
func (h *Head) Take(p []byte) (send, command []byte) {
	if !h.written.isBetween() { // in the midst of another command, whose content may look like anything
		h.written.Read(p)
		return p, nil
	}
	send = p
	if len(h.held) > 0 {
		send = append(h.held, p...)
		h.held = nil
	}
	if mayAuthenticate(send) {
		end, whole := (&Replies{}).next(send)
		switch {
		case whole:
			h.written.Read(end)
			return send, send[:len(send)-len(end)]
		case len(send) <= longestHead:
			h.held = bytes.Clone(send)
			return nil, nil
		}
	}
	h.written.Read(send)
	return send, nil
}

// Holds: the next Write is to be taken too, for something was held back.
func (h *Head) Holds() bool { return len(h.held) > 0 }

// mayAuthenticate: a command is AUTH or HELLO, as far as these bytes go.
func mayAuthenticate(p []byte) bool {
	const longestCount = len("*2147483647")
	count, rest, isWhole := bytes.Cut(p, []byte("\r\n"))
	if len(p) > 0 && p[0] != '*' || len(count) > longestCount+len("\r") {
		return false
	}
	if !isWhole {
		return true
	}
	for _, name := range []string{"$4\r\nAUTH\r\n", "$5\r\nHELLO\r\n"} {
		n := min(len(rest), len(name))
		if bytes.EqualFold(rest[:n], []byte(name[:n])) {
			return true
		}
	}
	return false
}
