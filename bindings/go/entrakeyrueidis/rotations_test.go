package entrakeyrueidis_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entrakey.invalid/go/entrakey"
	"entrakey.invalid/go/entrakey/emulator"
	"entrakey.invalid/go/entrakeyrueidis"
	"github.com/redis/rueidis"
)

const long = 40 * time.Second

func providerOf(t *testing.T, arguments ...string) (*emulator.Emulator, *entrakey.Provider) {
	t.Helper()
	azure, err := emulator.Start(t.Context(), arguments...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = azure.Close() })
	azure.Use(t, "imds")
	provider, err := entrakey.New(entrakey.Config{Identity: "managed_identity"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = provider.Close() })
	return azure, provider
}

func TestATokenIsNotSentInClearToAnotherMachine(t *testing.T) {
	_, provider := providerOf(t)
	option := rueidis.ClientOption{InitAddress: []string{"cache.example:6379"}, DisableCache: true,
		DialCtxFn: func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error) { return elsewhere{}, nil }}
	if err := entrakeyrueidis.Configure(&option, provider); err != nil {
		t.Fatal(err)
	}
	_, err := rueidis.NewClient(option)
	if !errors.Is(err, entrakey.ErrInvalidConfig) || !strings.Contains(err.Error(), "cache.example") {
		t.Fatal(err)
	}
	if entrakeyrueidis.Configure(nil, provider) == nil || entrakeyrueidis.Configure(&option, nil) == nil {
		t.Fatal("nothing was taken for a provider")
	}
	option.Sentinel.MasterSet = "cache"
	if err := entrakeyrueidis.Configure(&option, provider); err == nil || !strings.Contains(err.Error(), "sentinels") {
		t.Fatal(err)
	}
}

type elsewhere struct{ net.Conn }

func (elsewhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.ParseIP("192.0.2.1"), Port: 6379} }
func (elsewhere) Close() error         { return nil }

// The emulator knows no CLIENT TRACKING, hence DisableCache.
func TestEveryUseOutlivesItsTokens(t *testing.T) {
	azure, provider := providerOf(t, "--token-lifetime=6s")
	config, err := azure.TLSConfig()
	if err != nil {
		t.Fatal(err)
	}
	client := func(resp2 bool) rueidis.Client {
		option := rueidis.ClientOption{InitAddress: []string{azure.RedisAddress()}, TLSConfig: config, DisableCache: true, ForceSingleClient: true, AlwaysRESP2: resp2}
		if resp2 {
			option.ConnLifetime = 1200 * time.Millisecond // of tokens of 6 seconds
		}
		if err := entrakeyrueidis.Configure(&option, provider); err != nil {
			t.Fatal(err)
		}
		made, err := rueidis.NewClient(option)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(made.Close)
		return made
	}
	resp3, resp2 := client(false), client(true)
	ctx, stop := context.WithTimeout(t.Context(), long)
	defer stop()
	var running sync.WaitGroup
	for name, client := range map[string]rueidis.Client{"RESP3": resp3, "RESP2": resp2} {
		running.Go(func() {
			rounds := 0
			for ; ctx.Err() == nil; rounds++ {
				written := strconv.Itoa(rounds)
				for _, result := range client.DoMulti(t.Context(), client.B().Set().Key(name).Value(written).Build(), client.B().Get().Key(name).Build()) {
					if err := result.Error(); err != nil {
						t.Errorf("%s, round %d: %v", name, rounds, err)
						return
					}
				}
				time.Sleep(5 * time.Millisecond)
			}
			t.Logf("%s: %d rounds", name, rounds)
		})
	}
	var received atomic.Int64
	subscribed := make(chan struct{})
	heard, hangUp := context.WithCancel(rueidis.WithOnSubscriptionHook(t.Context(), func(rueidis.PubSubSubscription) { close(subscribed) }))
	failed := make(chan error, 1)
	go func() {
		failed <- resp3.Receive(heard, resp3.B().Subscribe().Channel("news").Build(), func(message rueidis.PubSubMessage) {
			if expected := fmt.Sprint(received.Add(1) - 1); message.Message != expected {
				t.Errorf("message %s instead of %s", message.Message, expected)
			}
		})
	}()
	<-subscribed
	sent := int64(0)
	for ; ctx.Err() == nil; sent++ {
		if n, err := resp3.Do(t.Context(), resp3.B().Publish().Channel("news").Message(strconv.FormatInt(sent, 10)).Build()).AsInt64(); err != nil || n != 1 {
			t.Errorf("PUBLISH %d: heard by %d, %v", sent, n, err)
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	running.Wait()
	for deadline := time.Now().Add(time.Minute); received.Load() < sent && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	hangUp()
	if err := <-failed; !errors.Is(err, context.Canceled) || received.Load() != sent {
		t.Errorf("%d of %d messages: %v", received.Load(), sent, err)
	}
	if version := provider.Version(); version < uint64(long.Seconds()/6) {
		t.Errorf("only %d tokens", version)
	}
}

func (elsewhere) SetDeadline(time.Time) error      { return nil }
func (elsewhere) SetReadDeadline(time.Time) error  { return nil }
func (elsewhere) SetWriteDeadline(time.Time) error { return nil }
func (elsewhere) Read([]byte) (int, error)         { return 0, errors.New("nobody answers") }
func (elsewhere) Write([]byte) (int, error)        { return 0, errors.New("something was sent") }
