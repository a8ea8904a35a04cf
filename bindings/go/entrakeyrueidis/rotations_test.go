package entrakeyrueidis_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entrakey.invalid/go/entrakey"
	"github.com/redis/rueidis"
)

const (
	long = 40 * time.Second
	// lifetime of the tokens: a machine on which a process stands still for a third of it makes errors of its own.
	lifetime = 12 * time.Second
)

func TestEveryUseOutlivesItsTokens(t *testing.T) {
	single := azure(t, "--token-lifetime="+lifetime.String())
	nodes := azure(t, "--token-lifetime="+lifetime.String(), "--cluster-policy=oss")
	provider, ofNodes := providerOf(t, single, entrakey.Config{}), providerOf(t, nodes, entrakey.Config{})
	option := optionOf(t, single)
	option.ForceSingleClient = true
	resp3 := clientOf(t, option, provider)
	option.AlwaysRESP2, option.DisableCache, option.ConnLifetime = true, true, 2*time.Second
	resp2 := clientOf(t, option, provider)
	cluster := clientOf(t, optionOf(t, nodes), ofNodes)

	ctx, stop := context.WithTimeout(t.Context(), long)
	defer stop()
	var running sync.WaitGroup
	for name, client := range map[string]rueidis.Client{"RESP3": resp3, "RESP2": resp2, "cluster": cluster} {
		running.Go(func() {
			rounds := 0
			for ; ctx.Err() == nil; rounds++ {
				key, written := fmt.Sprint(name, rounds%8), strconv.Itoa(rounds)
				for _, result := range client.DoMulti(t.Context(), client.B().Set().Key(key).Value(written).Build(), client.B().Get().Key(key).Build()) {
					if err := result.Error(); err != nil {
						t.Errorf("%s, round %d: %v", name, rounds, err)
						return
					}
				}
				time.Sleep(20 * time.Millisecond)
			}
			t.Logf("%s: %d rounds", name, rounds)
		})
	}
	running.Go(func() { cache(t, ctx, resp3, resp2) })
	running.Go(func() { listen(t, ctx, "RESP3", resp3, false) })
	running.Go(func() { listen(t, ctx, "cluster", cluster, false) })
	running.Go(func() { listen(t, ctx, "RESP2", resp2, true) })
	running.Wait()
	for name, provider := range map[string]*entrakey.Provider{"single": provider, "cluster": ofNodes} {
		if version := provider.Version(); version < uint64(long/lifetime) {
			t.Errorf("%s: only %d tokens", name, version)
		}
		if l := ledgerOf(t, provider); l.Counters.Rejected != 0 || l.Counters.Accepted == 0 {
			t.Errorf("%s: %+v", name, l)
		}
	}
}

// cache reads a key that another client writes, and is to hear of each change: what it keeps would be good for an hour.
func cache(t *testing.T, until context.Context, reads, writes rueidis.Client) {
	read := func() (string, bool) {
		result := reads.DoCache(t.Context(), reads.B().Get().Key("cached").Cache(), time.Hour)
		value, err := result.ToString()
		if err != nil {
			t.Errorf("cache: %v", err)
		}
		return value, result.IsCacheHit()
	}
	round, kept := 0, 0
	for ; until.Err() == nil; round++ {
		written := strconv.Itoa(round)
		if err := writes.Do(t.Context(), writes.B().Set().Key("cached").Value(written).Build()).Error(); err != nil {
			t.Errorf("cache, round %d: %v", round, err)
			return
		}
		end := time.Now().Add(long)
		for value, _ := read(); value != written; value, _ = read() {
			if t.Failed() || time.Now().After(end) {
				t.Errorf("cache, round %d: %q is what is kept", round, value)
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		if _, hit := read(); hit {
			kept++
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Logf("cache: kept in %d of %d rounds", kept, round)
	if kept < round/2 {
		t.Errorf("cache: kept in %d of %d rounds", kept, round)
	}
}

// listen publishes and counts what a subscriber of the same client hears. One that mayLose subscribes again when its connection
// has ended.
func listen(t *testing.T, until context.Context, name string, client rueidis.Client, mayLose bool) {
	channel := "news of " + name
	var received, subscriptions atomic.Int64
	subscribed, ended := make(chan struct{}), make(chan struct{})
	var once, end sync.Once
	heard, hangUp := context.WithCancel(rueidis.WithOnSubscriptionHook(t.Context(), func(rueidis.PubSubSubscription) {
		subscriptions.Add(1)
		once.Do(func() { close(subscribed) })
	}))
	defer hangUp()
	failed := make(chan error, 1)
	go func() {
		for {
			err := client.Receive(heard, client.B().Subscribe().Channel(channel).Build(), func(message rueidis.PubSubMessage) {
				if message.Message == "end" {
					end.Do(func() { close(ended) })
					return
				}
				if expected := fmt.Sprint(received.Add(1) - 1); !mayLose && message.Message != expected {
					t.Errorf("%s: message %s instead of %s", name, message.Message, expected)
				}
			})
			if heard.Err() != nil || !mayLose {
				failed <- err
				return
			}
		}
	}()
	<-subscribed
	publish := func(message string) bool {
		err := client.Do(t.Context(), client.B().Publish().Channel(channel).Message(message).Build()).Error()
		if err != nil {
			t.Errorf("%s, PUBLISH %s: %v", name, message, err)
		}
		return err == nil
	}
	sent := int64(0)
	for ; until.Err() == nil && publish(strconv.FormatInt(sent, 10)); sent++ {
		time.Sleep(10 * time.Millisecond)
	}
	for waiting := true; waiting && publish("end"); { // a subscriber that connects at this moment misses it
		select {
		case <-ended:
			waiting = false
		case err := <-failed:
			t.Errorf("%s: %v", name, err)
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
	hangUp()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("%s: %v", name, err)
	}
	t.Logf("%s: %d of %d messages, %d subscriptions", name, received.Load(), sent, subscriptions.Load())
	if lost := sent - received.Load(); lost != 0 && !mayLose || lost > sent/2 {
		t.Errorf("%s: %d of %d messages are lost", name, lost, sent)
	}
}
