package entraid_test

import (
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	entraid "entrakey.invalid/go/entrakeyredisentraid"
	"entrakey.invalid/go/entrakeyredisentraid/manager"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/auth"
)

// patient is what a test waits on a busy machine.
const patient = time.Minute

func TestInAnOutageClientsUseTheTokenWhileItIsValidAndDoNotQueueForAnotherOne(t *testing.T) {
	azure := in(t, "imds", "--token-lifetime=8s")
	provider := systemAssigned(t, manager.TokenManagerOptions{})
	pings(t, provider, nil)
	if err := azure.Control(http.MethodPost, "/emulator/faults", map[string]any{"route": "imds",
		"answers": []map[string]any{{"status": 503, "times": 100_000}}}, nil); err != nil {
		t.Fatal(err)
	}
	pings(t, provider, nil) // nobody listened any more, and the token is there still
	until(t, "expired", func() bool { return entraid.ProviderOf(provider).Current() == nil })

	client := redis.NewClient(streaming(t, provider))
	t.Cleanup(func() { _ = client.Close() })
	const commands = 4
	failed := make(chan error, commands)
	for range commands {
		go func() { failed <- client.Ping(t.Context()).Err() }()
	}
	late := time.After(patient) // where each waits for those before it, this is not enough for them
	for range commands {
		select {
		case err := <-failed:
			if err == nil || !strings.Contains(err.Error(), "503") {
				t.Fatal(err)
			}
		case <-late:
			t.Fatal("commands wait for one another")
		}
	}
}

func TestAProviderThatIsDroppedIsCollected(t *testing.T) {
	in(t, "imds")
	for name, use := range map[string]func(auth.StreamingCredentialsProvider){
		"never used":       func(auth.StreamingCredentialsProvider) {},
		"clients are gone": func(provider auth.StreamingCredentialsProvider) { pings(t, provider, nil) },
	} {
		collected := make(chan struct{})
		func() {
			provider := systemAssigned(t, manager.TokenManagerOptions{})
			use(provider)
			runtime.AddCleanup(entraid.ProviderOf(provider), func(c chan struct{}) { close(c) }, collected)
		}()
		until(t, name+": collected", func() bool {
			runtime.GC()
			select {
			case <-collected:
				return true
			default:
				return false
			}
		})
	}
}

func until(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patient); !reached(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not " + what)
		}
	}
}
