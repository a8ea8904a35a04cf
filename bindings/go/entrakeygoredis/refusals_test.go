package entrakeygoredis_test

import (
	"context"
	"encoding/json"
	"net/http"
	"runtime"
	"testing"
	"time"

	"entrakey.invalid/go/entrakey"
	"entrakey.invalid/go/entrakey/emulator"
	"entrakey.invalid/go/entrakeygoredis"
	"github.com/redis/go-redis/v9"
)

// rotating is a provider whose Refresh brings a token soon, and whose connections then move at once. It reads no environment, so
// tests with it run side by side.
func rotating(t *testing.T, source *emulator.Emulator) *entrakey.Provider {
	t.Helper()
	variables, err := source.Environment("imds")
	if err != nil {
		t.Fatal(err)
	}
	provider, err := entrakey.New(entrakey.Config{Identity: "managed_identity", IMDSEndpoint: variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"],
		ReauthSpread: new(0.0), MinRequestInterval: 250 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = provider.Close() })
	return provider
}

// listening is what status says of the clients.
type listening struct {
	Count, Connections int
	OldestVersion      uint64 `json:"oldest_version"`
}

func listeners(t *testing.T, provider *entrakey.Provider) listening {
	t.Helper()
	said, err := provider.Status()
	var status struct{ Listeners listening }
	if err == nil {
		err = json.Unmarshal(said, &status)
	}
	if err != nil {
		t.Fatal(err, string(said))
	}
	return status.Listeners
}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in time: ", what)
		}
	}
}

// The new token is refused for a while, the source has no other, and no subscriber finds that out: no idle connection may be given
// up for it. Then it is taken after all, which somebody has to notice.
func TestAPoolKeepsItsConnectionsWhileTheNewTokenIsRefusedAndLeavesThemWhenItIsTaken(t *testing.T) {
	t.Parallel()
	source := azure(t, "--token-lifetime=60s")
	provider := rotating(t, source)
	options := optionsOf(t, source)
	options.PoolSize, options.PoolFIFO = 4, true // so that each has its turn
	options.WriteBufferSize = 512                // less than a token
	client := clientOf(t, options, provider)
	var held []*redis.Conn
	for range options.PoolSize {
		held = append(held, client.Conn())
		if err := held[len(held)-1].Ping(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, connection := range held {
		_ = connection.Close()
	}
	used := func() {
		t.Helper()
		if err := client.Set(t.Context(), "key", "value", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}

	order(t, source, http.MethodPost, "/emulator/redis/faults", []map[string]any{{"on": "auth", "refuse": true, "times": 1000}})
	order(t, source, http.MethodPost, "/emulator/faults", map[string]any{"route": "imds",
		"answers": []map[string]any{{"lifetime_seconds": 3600}, {"token": "cached", "times": 1000}}})
	if err := provider.Refresh(); err != nil {
		t.Fatal(err)
	}
	until(t, "the new token was tried", func() bool {
		used()
		var seen struct {
			Refused map[string]int `json:"auth_rejections"`
		}
		counters(t, provider, &seen)
		refusals := 0
		for _, count := range seen.Refused {
			refusals += count
		}
		return refusals > 0
	})
	for range 50 {
		used()
	}
	if known := listeners(t, provider); known != (listening{1, options.PoolSize, 1}) {
		t.Fatal(known)
	}

	order(t, source, http.MethodDelete, "/emulator/redis/faults", nil)
	until(t, "all connections are on the new token", func() bool {
		used()
		return listeners(t, provider).OldestVersion == provider.Version()
	})
}

// What answers our AUTH is not shown, and what answers a SUBSCRIBE is not taken for it.
func TestASubscriberSeesNothingOfItsRotations(t *testing.T) {
	t.Parallel()
	source := azure(t, "--token-lifetime=60s")
	provider := rotating(t, source)
	options := optionsOf(t, source)
	options.WriteTimeout = -2 // no deadlines, ours included once it has written
	client := clientOf(t, options, provider)
	subscriber := client.Subscribe(t.Context(), "news")
	defer subscriber.Close()
	if _, err := subscriber.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	heard := make(chan any, 100)
	go func() {
		for {
			message, err := subscriber.Receive(context.Background())
			if err != nil {
				message = err.Error()
			}
			heard <- message
			if err != nil && err.Error() == redis.ErrClosed.Error() {
				return
			}
		}
	}()
	rotates := func(enough func(counts) bool) {
		t.Helper()
		if err := provider.Refresh(); err != nil {
			t.Fatal(err)
		}
		reached(t, provider, enough)
	}
	rotates(func(seen counts) bool { return seen.Accepted == 1 })

	const denied = "NOPERM No permissions to access a channel"
	order(t, source, http.MethodPost, "/emulator/redis/faults", []map[string]any{{"on": "command", "command": "SUBSCRIBE", "delay_ms": 3000, "error": denied}})
	if err := subscriber.Subscribe(t.Context(), "secret"); err != nil {
		t.Fatal(err)
	}
	rotates(func(seen counts) bool { return seen.Accepted == 2 })
	if message := <-heard; message != denied {
		t.Fatal(message)
	}

	order(t, source, http.MethodPost, "/emulator/redis/faults", []map[string]any{{"on": "auth", "refuse": true, "times": 1}})
	rotates(func(seen counts) bool { return seen.Rejected == 1 })
	if err := client.Publish(t.Context(), "news", "still there").Err(); err != nil {
		t.Fatal(err)
	}
	if message, ok := (<-heard).(*redis.Message); !ok || message.Payload != "still there" {
		t.Fatal(message)
	}
	time.Sleep(6 * time.Second) // longer than an AUTH of ours may take to be written: its deadline is not the next command's
	if err := subscriber.Subscribe(t.Context(), "more"); err != nil {
		t.Fatal(err)
	}
	if message, ok := (<-heard).(*redis.Subscription); !ok || message.Channel != "more" {
		t.Fatal(message)
	}
}

func TestAClientThatWasDroppedLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	source := azure(t)
	provider := rotating(t, source)
	for range 5 {
		options := optionsOf(t, source)
		if err := entrakeygoredis.Configure(options, provider); err != nil {
			t.Fatal(err)
		}
		if err := redis.NewClient(options).Ping(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the connections are collected", func() bool {
		runtime.GC()
		return listeners(t, provider).Count == 0
	})
}
