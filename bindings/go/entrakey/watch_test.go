package entrakey_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"entrakey.invalid/go/entrakey"
)

func TestAWatchSaysWhenATokenReplacesAnother(t *testing.T) {
	azure(t, "--token-lifetime=6s")
	p := provider(t, entrakey.Config{})
	watch, err := p.Watch()
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Close()
	if _, err := p.Token(soon(t)); err != nil {
		t.Fatal(err)
	}
	for version := uint64(0); version < 4; {
		news, err := watch.Wait(soon(t))
		if err != nil || news <= version || p.Version() < news {
			t.Fatal(news, err)
		}
		version = news
		if stay := p.ReauthIn(news - 1); stay > time.Second { // the spread of tokens of seconds
			t.Fatal(stay)
		}
		if fresh, err := p.Token(soon(t)); err != nil || fresh.Version() < news {
			t.Fatal(fresh, err)
		}
		watch.Ack(news, true)
	}
}

func TestEachConnectionHasAMomentOfItsOwnUnlessNothingIsSpread(t *testing.T) {
	azure(t)
	none := 0.0
	for _, c := range []struct {
		config     entrakey.Config
		at, spread time.Duration
	}{
		{entrakey.Config{}, 30 * time.Second, 2 * time.Minute}, // of two minutes; 50 draws within a quarter of it are no chance
		{entrakey.Config{ReauthSpread: &none}, 0, time.Second},
	} {
		p := provider(t, c.config)
		token, err := p.Token(soon(t))
		if err != nil {
			t.Fatal(err)
		}
		shortest, longest := time.Hour, time.Duration(0)
		for range 50 {
			stay := p.ReauthIn(token.Version())
			shortest, longest = min(shortest, stay), max(longest, stay)
		}
		if between := longest - shortest; between < c.at || between > c.spread || shortest < time.Minute {
			t.Fatal(shortest, longest)
		}
	}
}

func TestManyWatchesHoldFewThreadsAndEndWithTheirContextOrTheirProvider(t *testing.T) {
	azure(t)
	p := provider(t, entrakey.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	before := threads(t)
	var waiters sync.WaitGroup
	errs := make(chan error, 400)
	var watches []*entrakey.Watch
	wait := func(watch *entrakey.Watch, ctx context.Context) {
		waiters.Go(func() { _, err := watch.Wait(ctx); errs <- err })
	}
	for range 200 {
		watch, err := p.Watch()
		if err != nil {
			t.Fatal(err)
		}
		defer watch.Close()
		watches = append(watches, watch)
		wait(watch, ctx)
	}
	cancel()
	for range 200 {
		if err := <-errs; err != context.Canceled {
			t.Fatal(err)
		}
	}
	for i, watch := range watches { // a ctx that ended leaves nothing behind
		wait(watch, t.Context())
		if i%2 == 0 {
			_ = watch.Close()
		}
	}
	_ = p.Close()
	for range 200 {
		if err := <-errs; !errors.Is(err, entrakey.ErrClosed) {
			t.Fatal(err)
		}
	}
	waiters.Wait()
	if more := threads(t) - before; more > 8 {
		t.Fatalf("%d more threads", more)
	}
}

func TestConnectionsAreCounted(t *testing.T) {
	azure(t)
	p := provider(t, entrakey.Config{})
	watch, err := p.Watch()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Token(soon(t)); err != nil {
		t.Fatal(err)
	}
	listeners := func() (count struct{ Connections, Stale int }) {
		var status struct {
			Listeners struct{ Connections, Stale int }
		}
		said, err := p.Status()
		if err == nil {
			err = json.Unmarshal(said, &status)
		}
		if err != nil {
			t.Fatal(err)
		}
		return status.Listeners
	}
	first, second := watch.Opened(1), watch.Opened(1)
	first.Authenticated(1)
	if n := listeners().Connections; n != 2 {
		t.Fatalf("%d connections", n)
	}
	if first.IsBehind(1) || !first.IsBehind(2) {
		t.Fatal("which version is the first on?")
	}
	first.Close()
	first.Close()
	second.Close()
	if n := listeners().Connections; n != 0 {
		t.Fatalf("%d connections", n)
	}
	_ = watch.Close()
	watch.Opened(1).Authenticated(1)
	if first.IsBehind(2) {
		t.Fatal("a closed connection is behind")
	}
}
