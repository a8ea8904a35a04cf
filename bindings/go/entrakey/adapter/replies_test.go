package adapter

import (
	"reflect"
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
			reader := Replies{}
			for rest := []byte(conversation.said); len(rest) > 0; {
				piece := rest[:min(size, len(rest))]
				rest = rest[len(piece):]
				found = append(found, reader.Read(piece)...)
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
		apart := append(pieces.Read(said[:at]), pieces.Read(said[at:])...)
		if !reflect.DeepEqual(together, apart) {
			t.Fatalf("%q and %q", together, apart)
		}
	})
}
