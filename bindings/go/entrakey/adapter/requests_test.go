package adapter

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func written(words ...string) string {
	text := fmt.Sprintf("*%d\r\n", len(words))
	for _, word := range words {
		text += fmt.Sprintf("$%d\r\n%s\r\n", len(word), word)
	}
	return text
}

// in gives what is written and found when the text comes in pieces of that size.
func in(t *testing.T, text string, size int) (sent string, commands []Command) {
	t.Helper()
	var requests Requests
	for piece := range slices.Chunk([]byte(text), size) {
		ready, found, err := requests.Take(piece)
		if err != nil {
			t.Fatal(size, err)
		}
		for _, command := range found {
			if command.Arguments != nil && !strings.Contains(sent+string(ready), written(append([]string{command.Name}, command.Arguments...)...)) {
				t.Fatal(size, "a part of ", command.Name, " was sent before it was shown")
			}
		}
		sent += string(ready)
		commands = append(commands, found...)
	}
	if !requests.IsBetween() {
		t.Fatal(size, "something is under way")
	}
	return
}

func TestCommandsAreFoundHoweverTheyAreCutAndNeverInAnArgument(t *testing.T) {
	text := written("hello", "3", "auth", "user", strings.Repeat("t", 2000)) + written("ping") +
		written("set", "key", "\r\n"+written("auth", "user", "other")+written("subscribe", "channel")) +
		written("auth", "user", "token") + written("a-name-that-is-longer-than-all-of-those-of-redis", "x") + written("subscribe", "a")
	_, expected := in(t, text, len(text))
	var names []string
	for _, command := range expected {
		names = append(names, command.Name)
	}
	if !slices.Equal(names, []string{"hello", "", "", "auth", "", "subscribe"}) {
		t.Fatal(names)
	}
	if !slices.Equal(expected[3].Arguments, []string{"user", "token"}) || len(expected[0].Arguments) != 4 {
		t.Fatal(expected)
	}
	for size := 1; size < len(text); size++ {
		sent, commands := in(t, text, size)
		if sent != text || fmt.Sprint(commands) != fmt.Sprint(expected) {
			t.Fatal(size, commands)
		}
	}
}

func TestNothingOfATokenIsSentBeforeTheWholeCommandWasSeen(t *testing.T) {
	text := written("AUTH", "user", "token")
	var requests Requests
	for at := range len(text) - 1 {
		if ready, commands, err := requests.Take([]byte(text[at : at+1])); len(ready) > 0 || len(commands) > 0 || err != nil {
			t.Fatal(at, ready, err)
		}
	}
	ready, commands, err := requests.Take([]byte(text[len(text)-1:]))
	if string(ready) != text || len(commands) != 1 || commands[0].Name != "auth" || err != nil {
		t.Fatal(string(ready), commands, err)
	}
}

func TestWhatIsNoCommandIsNotSent(t *testing.T) {
	for _, text := range []string{"PING\r\n", "*x\r\n", "*2\r\n+a\r\n", "*1\r\n$-1\r\n", "*1\r\n$99999999999999999999\r\n", "*" + strings.Repeat("1", 30),
		written("auth", strings.Repeat("x", longestAuth+1))} {
		if ready, _, err := new(Requests).Take([]byte(text)); err == nil || len(ready) > 0 {
			t.Errorf("%q: %q", text, ready)
		}
	}
}

func FuzzRequests(f *testing.F) {
	f.Add([]byte(written("hello", "3", "auth", "u", "p")+written("get", "a")), uint8(3))
	f.Add([]byte(written("set", "a", written("subscribe", "c"))), uint8(9))
	f.Fuzz(func(t *testing.T, text []byte, size uint8) {
		var whole, cut Requests
		sent, commands, err := whole.Take(text)
		var pieces []byte
		var found []Command
		for piece := range slices.Chunk(text, max(int(size), 1)) {
			ready, more, failed := cut.Take(piece)
			if failed != nil {
				if err == nil {
					t.Fatal(failed)
				}
				return
			}
			pieces, found = append(pieces, ready...), append(found, more...)
		}
		if err == nil && (string(pieces) != string(sent) || fmt.Sprint(found) != fmt.Sprint(commands)) {
			t.Fatalf("%q %v\n%q %v", pieces, found, sent, commands)
		}
	})
}

func BenchmarkRequests(b *testing.B) {
	text := []byte(strings.Repeat(written("set", "key", strings.Repeat("v", 100)), 100))
	var requests Requests
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, commands, err := requests.Take(text); err != nil || len(commands) != 100 {
			b.Fatal(err)
		}
	}
}
