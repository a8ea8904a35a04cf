package adapter

import (
	"bytes"
	"strings"
	"testing"
)

const (
	authenticate = "*3\r\n$4\r\nAUTH\r\n$4\r\nuser\r\n$8\r\neyJ.\r\n.x\r\n"
	greet        = "*5\r\n$5\r\nhello\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$4\r\nuser\r\n$8\r\neyJ.\r\n.x\r\n"
	inform       = "*4\r\n$6\r\nCLIENT\r\n$7\r\nSETINFO\r\n$8\r\nLIB-NAME\r\n$7\r\nrueidis\r\n"
	publish      = "*3\r\n$7\r\nPUBLISH\r\n$4\r\nnews\r\n$33\r\n" + "*3\r\n$4\r\nAUTH\r\n$4\r\nuser\r\n$64\r\neyJ" + "\r\n"
)

// What clients write, and which AUTH and HELLO in it is at the head of a Write.
var writings = []struct{ name, written, command string }{
	{"AUTH", authenticate, authenticate},
	{"HELLO", greet, greet},
	{"HELLO without a password", "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n", "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n"},
	{"a pipeline", greet + inform, greet},
	{"something else", inform, ""},
	{"a message that looks like AUTH", publish, ""},
	{"the inline form", "PING\r\n", ""},
}

func TestAnAuthThatComesInPiecesIsSentOnceAndWhole(t *testing.T) {
	for _, writing := range writings {
		for size := 1; size <= len(writing.written); size++ {
			head, sent, seen := Head{}, "", ""
			for rest := writing.written; rest != ""; {
				piece := rest[:min(size, len(rest))]
				rest = rest[len(piece):]
				buffer := []byte(piece)
				send, command := head.Take(buffer)
				sent += string(send)
				if seen += string(command); command != nil && !strings.HasPrefix(string(send), string(command)) {
					t.Fatalf("%s in pieces of %d: %q is sent for %q", writing.name, size, send, command)
				}
				clear(buffer) // which is the client's again
			}
			if sent != writing.written || seen != writing.command {
				t.Fatalf("%s in pieces of %d: sent %q, seen %q", writing.name, size, sent, seen)
			}
		}
	}
}

func TestEachWriteMayBeginWithAnotherAuth(t *testing.T) {
	head := Head{}
	for _, written := range []string{greet + inform, authenticate + inform, authenticate} {
		if send, command := head.Take([]byte(written)); string(send) != written || !strings.HasPrefix(written, string(command)) || command == nil {
			t.Fatalf("%q, %q", send, command)
		}
	}
}

// A client that waits for an answer to what was held back would wait for ever.
func TestNothingIsHeldBackThatIsNoAuth(t *testing.T) {
	head := Head{}
	value := strings.Repeat("x", 2*longestHead)
	for _, written := range []string{"*3\r\n$4\r\nAUTH\r\n$4\r\nuser\r\n$999999\r\n" + value, "*3\r\n$4\r\nAUTH\r\n"} {
		if send, command := head.Take([]byte(written)); string(send) != written || command != nil {
			t.Fatalf("%d of %d bytes", len(send), len(written))
		}
	}
	for _, written := range []string{"*3\r\n$3\r\nSET", "*3\r\n$4\r\nECHO", "*123456789012345", "P"} {
		head := Head{}
		if send, _ := head.Take([]byte(written)); string(send) != written {
			t.Fatalf("%q is held back", written)
		}
	}
	// In the midst of another command its content decides nothing.
	head = Head{}
	middle := strings.Index(publish, authenticate[:8])
	head.Take([]byte(publish[:middle]))
	if send, command := head.Take([]byte(publish[middle:])); string(send) != publish[middle:] || command != nil {
		t.Fatalf("%q, %q", send, command)
	}
}

func FuzzPiecesOfWrites(f *testing.F) {
	for _, writing := range writings {
		f.Add([]byte(writing.written), 3, 20)
	}
	f.Fuzz(func(t *testing.T, written []byte, first, second int) {
		first = max(0, min(first, len(written)))
		second = max(first, min(second, len(written)))
		head, sent := Head{}, []byte{}
		for _, piece := range [][]byte{written[:first], written[first:second], written[second:]} {
			send, command := head.Take(piece)
			sent = append(sent, send...)
			if command != nil && (!bytes.HasPrefix(send, command) || !mayAuthenticate(command)) {
				t.Fatalf("%q of %q", command, send)
			}
		}
		if !bytes.Equal(append(sent, head.held...), written) {
			t.Fatalf("%q instead of %q", sent, written)
		}
		if held := head.held; len(held) > longestHead || len(held) > 0 && !mayAuthenticate(held) {
			t.Fatalf("%q is held back", held)
		}
	})
}
