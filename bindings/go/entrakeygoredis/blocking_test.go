package entrakeygoredis_test

import (
	"testing"
	"time"

	"entrakey.invalid/go/entrakey"
	"github.com/redis/go-redis/v9"
)

// A connection that waits in BLPOP takes no AUTH: a new token does not disturb it, and the server ends it with the token that it
// is on. No element is lost by that, and the client's other connections go on.
func TestABlockingCommandOutlivesARotationAndEndsWithItsToken(t *testing.T) {
	source := azure(t, "--token-lifetime=15s")
	source.Use(t, "imds")
	provider, err := entrakey.New(entrakey.Config{Identity: "managed_identity", ReauthSpread: new(0.0), MinRequestInterval: 250 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	client := clientOf(t, optionsOf(t, source), provider)
	held := client.Conn()
	defer held.Close()
	if err := held.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	commands := func() int {
		stats, err := source.Stats()
		if err != nil {
			t.Fatal(err)
		}
		return stats.Redis.ByObjectID[provider.Current().Username()].Commands
	}
	wait := func() chan *redis.StringSliceCmd {
		before, waited := commands(), make(chan *redis.StringSliceCmd, 1)
		go func() { waited <- held.BLPop(t.Context(), 0, "list") }()
		for commands() == before {
			time.Sleep(10 * time.Millisecond)
		}
		return waited
	}

	waited := wait()
	if err := provider.Refresh(); err != nil {
		t.Fatal(err)
	}
	for provider.Version() < 2 {
		time.Sleep(10 * time.Millisecond)
	}
	if err := client.RPush(t.Context(), "list", "after the rotation").Err(); err != nil {
		t.Fatal(err)
	}
	if popped, err := (<-waited).Result(); err != nil || popped[1] != "after the rotation" {
		t.Fatal(popped, err)
	}

	if popped, err := (<-wait()).Result(); err == nil {
		t.Fatal("it has outlived its token: ", popped)
	}
	if err := client.RPush(t.Context(), "list", "after its end").Err(); err != nil {
		t.Fatal(err)
	}
	if popped, err := client.BLPop(t.Context(), 0, "list").Result(); err != nil || popped[1] != "after its end" {
		t.Fatal(popped, err)
	}
}
