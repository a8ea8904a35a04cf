package adapter

import (
	"reflect"
	"strings"
	"testing"
)

// What servers say, and the answers in it.
var conversations = []struct {
	said    string
	answers []string
}{
	{"+OK\r\n", []string{"+OK"}},
	{"%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n+OK\r\n", []string{"%2", "+OK"}},
	{">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$5\r\n+OK\r\n\r\n+OK\r\n", []string{"+OK"}},
	{">3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n-WRONGPASS invalid username-password pair or user is disabled\r\n+PONG\r\n", []string{"-WRONGPASS invalid username-password pair or user is disabled", "+PONG"}},
	{"*2\r\n*-1\r\n$-1\r\n$0\r\n\r\n_\r\n", []string{"*2", "$0", "_"}},
	{"|1\r\n+a\r\n:1\r\n~1\r\n#t\r\n,1.5\r\n", []string{"|1", ",1.5"}},
	{"*0\r\n%0\r\n>0\r\n(12\r\n", []string{"*0", "%0", "(12"}},
}

func TestTheAnswersOfAServerAreFoundHoweverTheyComeInPieces(t *testing.T) {
	for _, conversation := range conversations {
		for size := 1; size <= len(conversation.said); size++ {
			var found []string
			read := 0
			reader := Replies{}
			for rest := []byte(conversation.said); len(rest) > 0; {
				piece := rest[:min(size, len(rest))]
				rest = rest[len(piece):]
				for _, answer := range reader.Read(piece) {
					found = append(found, answer.Line)
					if stands := conversation.said[read+answer.Start : read+answer.End]; !strings.HasPrefix(stands, answer.Line+"\r\n") {
						t.Fatalf("%q in pieces of %d: %q stands in %q", conversation.said, size, answer.Line, stands)
					}
				}
				read += len(piece)
			}
			if !reflect.DeepEqual(found, conversation.answers) {
				t.Fatalf("%q in pieces of %d: %q", conversation.said, size, found)
			}
		}
	}
}

func FuzzReadingOfReplies(f *testing.F) {
	for _, conversation := range conversations {
		f.Add([]byte(conversation.said), 3)
	}
	f.Fuzz(func(t *testing.T, said []byte, at int) {
		whole, pieces := Replies{}, Replies{}
		at = max(0, min(at, len(said)))
		together := whole.Read(said)
		apart := pieces.Read(said[:at])
		for _, answer := range pieces.Read(said[at:]) {
			apart = append(apart, Answer{answer.Line, answer.Start + at, answer.End + at})
		}
		if !reflect.DeepEqual(together, apart) {
			t.Fatalf("%v and %v", together, apart)
		}
	})
}

func TestTheBeginningOfALineCanBeTakenBack(t *testing.T) {
	reader := Replies{}
	for _, c := range []struct {
		piece   string
		back    int
		answers int
	}{{"+O", 2, 0}, {"+OK\r", 4, 0}, {"+OK\r\n+", 1, 1}, {"$5\r\nhe", 0, 0}, {"llo\r\n", 0, 1}, {">1\r\n+", 0, 0}, {"a\r\n-ER", 3, 0}} {
		answers := reader.Read([]byte(c.piece))
		if back := reader.Unread(); back != c.back || len(answers) != c.answers {
			t.Fatalf("%q: %d %v", c.piece, back, answers)
		}
	}
}
