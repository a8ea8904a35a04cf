package entrakeygoredis_test

import (
	"encoding/json"
	"net/http"
	"os"
	"reflect"
	"testing"
	"time"

	"entrakey.invalid/go/entrakey"
	"github.com/redis/go-redis/v9"
)

// The story of tests/vectors/connections.json, which clients of every language tell: what status says of connections is to mean
// the same everywhere. Here by subscribers: connections of a pool are replaced, and not authenticated again.
func TestStatusTellsTheStoryOfConnectionsAsInEveryLanguage(t *testing.T) {
	text, err := os.ReadFile("../../../tests/vectors/connections.json")
	if err != nil {
		t.Fatal(err)
	}
	var story struct {
		Environment        map[string]string
		Connected, Renewed map[string]any
		Faults             []any
	}
	if err := json.Unmarshal(text, &story); err != nil {
		t.Fatal(err)
	}
	source := azure(t)
	source.Use(t, "imds")
	for name, value := range story.Environment {
		t.Setenv(name, value)
	}
	provider, err := entrakey.New(entrakey.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = provider.Close() })

	client := clientOf(t, optionsOf(t, source), provider)
	var listening [3]*redis.PubSub
	for n := range listening {
		listening[n] = client.Subscribe(t.Context(), "news")
		if _, err := listening[n].Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
		listening[n].Channel() // reads on
	}
	told(t, provider, story.Connected)
	order(t, source, http.MethodPost, "/emulator/redis/faults", story.Faults)
	if err := listening[0].Close(); err != nil {
		t.Fatal(err)
	}
	told(t, provider, map[string]any{"listeners": map[string]any{"connections": 2.0}})
	if err := provider.Refresh(); err != nil {
		t.Fatal(err)
	}
	// Each connection has its moment: the one that is not refused may take the second token, or both move to the third.
	counted := story.Renewed["counters"].(map[string]any)
	delete(counted, "reauths_accepted")
	told(t, provider, story.Renewed)
	var seen struct {
		Accepted int `json:"reauths_accepted"`
	}
	if counters(t, provider, &seen); seen.Accepted != 2 && seen.Accepted != 3 {
		t.Fatal(seen.Accepted)
	}
}

// told waits until status says so.
func told(t *testing.T, provider *entrakey.Provider, expected map[string]any) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		said, err := provider.Status()
		var status map[string]any
		if err == nil {
			err = json.Unmarshal(said, &status)
		}
		if err != nil {
			t.Fatal(err)
		}
		if holds(expected, status) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not %v: %s", expected, said)
		}
	}
}

// holds: what is expected of an object's entries, and of theirs; others may be there too, but in a map of counts.
func holds(expected, said map[string]any) bool {
	for key, value := range expected {
		inner, isObject := value.(map[string]any)
		saidInner, saysObject := said[key].(map[string]any)
		if isObject && saysObject && len(inner) > 0 {
			if !holds(inner, saidInner) {
				return false
			}
		} else if !reflect.DeepEqual(value, said[key]) {
			return false
		}
	}
	return true
}
