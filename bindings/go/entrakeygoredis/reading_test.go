package entrakeygoredis

import (
	"bytes"
	"testing"
)

func TestTheCommandAtTheHeadOfAWriteIsRead(t *testing.T) {
	for written, expected := range map[string]command{
		"*6\r\n$5\r\nhello\r\n$1\r\n3\r\n$4\r\nauth\r\n$1\r\nu\r\n$1\r\np\r\n": {authenticates, 3},
		"*2\r\n$5\r\nHELLO\r\n$1\r\n2\r\n":                                     {authenticates, 2},
		"*1\r\n$5\r\nhello\r\n":                                                {authenticates, 0},
		"*3\r\n$4\r\nauth\r\n$1\r\nu\r\n$1\r\np\r\n":                           {kind: authenticates},
		"*2\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n":                                 {kind: subscribes},
		"*2\r\n$10\r\nssubscribe\r\n$1\r\nc\r\n":                               {kind: subscribes},
		"*3\r\n$3\r\nset\r\n$4\r\nauth\r\n$5\r\nhello\r\n":                     {},
		"*1\r\n$4\r\nping\r\n*3\r\n$4\r\nauth\r\n":                             {},
		"*1\r\n$9\r\nsubscribe":                                                {},
		"*1\r\n$-4\r\nauth\r\n":                                                {},
		"*1\r\n$99999999999999\r\nauth\r\n":                                    {},
		"PING\r\n":                                                             {},
		"":                                                                     {},
	} {
		if read := first([]byte(written)); read != expected {
			t.Errorf("%q: %v", written, read)
		}
	}
}

func FuzzReadingOfWrites(f *testing.F) {
	f.Add([]byte("*6\r\n$5\r\nhello\r\n$1\r\n3\r\n$4\r\nauth\r\n$1\r\nu\r\n$1\r\np\r\n"))
	f.Add([]byte("*2\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n"))
	f.Fuzz(func(t *testing.T, written []byte) {
		read := first(written)
		lower := bytes.ToLower(written)
		if read.kind == subscribes && !bytes.Contains(lower, []byte("subscribe")) || read.kind == other && read.protocol != 0 {
			t.Fatal(read)
		}
		// Whatever a pipeline holds further on, its head decides.
		if more := first(append(bytes.Clone(written), "*1\r\n$4\r\nauth\r\n"...)); read.kind != other && more != read {
			t.Fatal(read, more)
		}
	})
}
