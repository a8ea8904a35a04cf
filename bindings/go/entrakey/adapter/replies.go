package adapter

import (
	"bytes"
	"strconv"
)

// longestLine: a longer one is not kept whole. An error has no more to say.
const longestLine = 1024

// Answer is one of a server's.
type Answer struct {
	Line       string // the first
	Start, End int    // where it stands in what was read; Start is less than 0 if it began before that
}

// Replies finds where the answers of a server begin and end, however they come in pieces.
type Replies struct {
	line   []byte // the beginning of one, if its end has not come
	skip   int    // bytes of a bulk string, with its end, that are to come
	nested int    // values that are to come until the answer is whole
	isPush bool
	answer Answer // the one under way
}

// Read gives each answer that is complete with these bytes. What the server pushes is no answer.
func (r *Replies) Read(p []byte) (answers []Answer) {
	r.answer.Start -= len(p) // of what was read before, as seen from the end of this
	at := 0
	ended := func() {
		if r.nested--; r.nested == 0 && !r.isPush {
			answers = append(answers, Answer{r.answer.Line, r.answer.Start + len(p), at})
		}
	}
	for at < len(p) {
		if r.skip > 0 {
			n := min(r.skip, len(p)-at)
			r.skip -= n
			at += n
			if r.skip == 0 {
				ended()
			}
			continue
		}
		if r.nested == 0 && len(r.line) == 0 {
			r.answer.Start = at - len(p)
		}
		end := bytes.IndexByte(p[at:], '\n') + 1
		if end == 0 {
			r.keep(p[at:])
			return answers
		}
		r.keep(p[at : at+end])
		at += end
		if line := bytes.TrimRight(r.line, "\r\n"); len(line) > 0 && r.begun(line) {
			ended()
		}
		r.line = r.line[:0]
	}
	return answers
}

// Unread takes back the beginning of an answer's first line, if no more of it has come, and says how long that is.
func (r *Replies) Unread() int {
	if r.nested > 0 || r.skip > 0 || len(r.line) == longestLine {
		return 0
	}
	length := len(r.line)
	r.line = r.line[:0]
	return length
}

func (r *Replies) keep(p []byte) {
	r.line = append(r.line, p[:min(len(p), max(longestLine-len(r.line), 0))]...)
}

// begun is told the line that a value begins with, and says whether it is the whole value.
func (r *Replies) begun(line []byte) bool {
	if r.nested == 0 {
		r.nested, r.isPush, r.answer.Line = 1, line[0] == '>', string(line)
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
	return true
}
