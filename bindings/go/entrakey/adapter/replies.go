package adapter

import (
	"bytes"
	"strconv"
)

// longestLine: a longer one is not kept whole. An error has no more to say.
const longestLine = 1024

// Replies finds where the answers of a server begin and end, however they come in pieces.
type Replies struct {
	line    []byte // the beginning of one, if its end has not come
	skip    int    // bytes of a bulk string, with its end, that are to come
	nested  int    // values that are to come until the answer is whole
	isPush  bool
	heading string // the first line of the answer
}

// Read gives the first line of each answer that is complete with these bytes. What the server pushes is no answer.
func (r *Replies) Read(p []byte) (answers []string) {
	for len(p) > 0 {
		var whole bool
		if p, whole = r.next(p); whole && !r.isPush {
			answers = append(answers, r.heading)
		}
	}
	return answers
}

// next reads to the end of an answer, or as far as there is something to read. What comes after that is the rest.
func (r *Replies) next(p []byte) (rest []byte, whole bool) {
	for len(p) > 0 && !whole {
		if r.skip > 0 {
			n := min(r.skip, len(p))
			r.skip -= n
			p = p[n:]
			whole = r.skip == 0 && r.ended()
			continue
		}
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			r.keep(p)
			return nil, false
		}
		r.keep(p[:end+1])
		p = p[end+1:]
		line := bytes.TrimRight(r.line, "\r\n")
		whole = len(line) > 0 && r.begun(line)
		r.line = r.line[:0]
	}
	return p, whole
}

// isBetween: no answer has begun that is not whole.
func (r *Replies) isBetween() bool { return r.nested == 0 && len(r.line) == 0 }

func (r *Replies) keep(p []byte) {
	r.line = append(r.line, p[:min(len(p), max(longestLine-len(r.line), 0))]...)
}

// begun is told the line that a value begins with, and says whether an answer ends with it.
func (r *Replies) begun(line []byte) bool {
	if r.nested == 0 {
		r.nested, r.isPush, r.heading = 1, line[0] == '>', string(line)
	}
	count, err := strconv.Atoi(string(line[1:]))
	if err != nil || count < 0 {
		count = 0 // $-1 is nothing
	}
	switch line[0] {
	case '$', '=', '!':
		if string(line[1:]) != "-1" {
			r.skip = count + len("\r\n")
			return false
		}
	case '*', '~', '>':
		r.nested += count
	case '%':
		r.nested += 2 * count
	case '|': // attributes stand before a value
		r.nested += 2*count + 1
	}
	return r.ended()
}

// ended is told that a value is whole, and says whether the answer is.
func (r *Replies) ended() bool {
	r.nested--
	return r.nested == 0
}
