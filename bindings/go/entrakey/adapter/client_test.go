package adapter_test

import (
	"context"
	"encoding/json"
	"net"
	"runtime"
	"testing"
	"time"

	"entrakey.invalid/go/entrakey"
	"entrakey.invalid/go/entrakey/adapter"
)

// rueidis's own goroutines keep a client that nobody closes, as long as its connections are open. Nothing of ours does.
func TestAClientThatIsDroppedLeavesNothingBehind(t *testing.T) {
	provider, err := entrakey.New(entrakey.Config{Username: "somebody", TokenSource: func(context.Context, string) (entrakey.AccessToken, error) {
		return entrakey.AccessToken{Secret: "eyJ.of.somebody", ExpiresAt: time.Now().Add(time.Hour)}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	func() {
		client := &adapter.Client{Provider: provider, AllowPlaintext: true} // of a pipe nobody knows where it leads
		inner, server := net.Pipe()
		defer server.Close()
		connection := client.Connection(inner, "cache:10000")
		if _, err := client.Credentials(connection.RemoteAddr()); err != nil {
			t.Fatal(err)
		}
		if counted := listeners(t, provider); counted != (counts{1, 1}) {
			t.Fatal(counted)
		}
		runtime.KeepAlive(connection)
	}()
	for deadline := time.Now().Add(time.Minute); listeners(t, provider) != (counts{}); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("a client that is gone has left %+v behind", listeners(t, provider))
		}
		runtime.GC()
	}
}

type counts struct{ Count, Connections int }

func listeners(t *testing.T, provider *entrakey.Provider) counts {
	t.Helper()
	var status struct{ Listeners counts }
	said, err := provider.Status()
	if err == nil {
		err = json.Unmarshal(said, &status)
	}
	if err != nil {
		t.Fatal(err)
	}
	return status.Listeners
}
