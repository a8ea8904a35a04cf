package entrakeygoredis_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"entrakey.invalid/go/entrakey"
	"entrakey.invalid/go/entrakey/emulator"
	"entrakey.invalid/go/entrakeygoredis"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

func azure(t *testing.T, arguments ...string) *emulator.Emulator {
	t.Helper()
	started, err := emulator.Start(t.Context(), arguments...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = started.Close() })
	return started
}

// providerOf makes one in that emulator's environment, which may be another's afterwards.
func providerOf(t *testing.T, on *emulator.Emulator, clientID string) *entrakey.Provider {
	t.Helper()
	on.Use(t, "imds")
	provider, err := entrakey.New(entrakey.Config{Identity: "managed_identity", ClientID: clientID, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = provider.Close() })
	return provider
}

func optionsOf(t *testing.T, on *emulator.Emulator) *redis.Options {
	t.Helper()
	config, err := on.TLSConfig()
	if err != nil {
		t.Fatal(err)
	}
	// go-redis 9.23 asks for notifications of maintenance, and notes in options that all its Conn() share that the server knows
	// none; each of them has a lock of its own, which the race detector sees.
	return &redis.Options{Addr: on.RedisAddress(), TLSConfig: config, MaxRetries: -1,
		DialTimeout: patient, ReadTimeout: patient, PoolTimeout: patient,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}}
}

func clientOf(t *testing.T, options *redis.Options, provider *entrakey.Provider) *redis.Client {
	t.Helper()
	if err := entrakeygoredis.Configure(options, provider); err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestOtherCredentialsAreDroppedAndNamedOnceAndNotShown(t *testing.T) {
	source := azure(t)
	options := optionsOf(t, source)
	options.Username, options.Password = "default", "an access key"
	options.CredentialsProvider = func() (string, string) { return "", "" }
	before := slog.Default()
	defer slog.SetDefault(before)
	var said bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&said, nil)))
	client := clientOf(t, options, providerOf(t, source, ""))
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Username", "Password", "CredentialsProvider"} {
		if strings.Count(said.String(), name) < 1 {
			t.Error(said.String())
		}
	}
	if strings.Contains(said.String(), "access key") || strings.Count(said.String(), "\n") != 1 {
		t.Error(said.String())
	}
	if entrakeygoredis.Configure(nil, nil) == nil || entrakeygoredis.Configure(&redis.Options{}, nil) == nil {
		t.Error("nothing was taken for a provider")
	}
}

func TestARefusedTokenIsExplainedAndNotTriedTwice(t *testing.T) {
	source := azure(t)
	provider := providerOf(t, source, source.Variable("ENTRAKEY_EMULATOR_WITHOUT_POLICY_CLIENT_ID"))
	client := clientOf(t, optionsOf(t, source), provider)
	err := client.Ping(t.Context()).Err()
	var refused *entrakeygoredis.RefusedError
	if !errors.As(err, &refused) || refused.Reason != "no_access_policy" || !strings.HasPrefix(refused.Answer, "WRONGPASS") ||
		!strings.Contains(err.Error(), source.Variable("ENTRAKEY_EMULATOR_WITHOUT_POLICY_OBJECT_ID")) {
		t.Fatal(err)
	}
	token := provider.Current()
	if token == nil || strings.Contains(err.Error(), token.Secret()) {
		t.Fatal("the error shows the token")
	}
	stats, err := source.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if n := stats.Redis.ByObjectID[token.Username()].Auths; n != 0 {
		t.Fatalf("%d AUTHs were taken", n)
	}
	var status struct {
		Rejections map[string]int `json:"auth_rejections"`
	}
	counters(t, provider, &status)
	if status.Rejections["no_access_policy"] != 1 {
		t.Fatalf("%v", status)
	}
}

func TestATokenIsNotSentInClearToAnotherMachine(t *testing.T) {
	source := azure(t)
	provider := providerOf(t, source, "")
	const address = "cache.example:6379"
	written := make(chan []byte, 10_000)
	for _, buffer := range []int{0, 16, 512} { // go-redis cuts a token in pieces then
		options := &redis.Options{Addr: address, MaxRetries: -1, WriteBufferSize: buffer, Dialer: func(context.Context, string, string) (net.Conn, error) {
			return elsewhere{written: written}, nil
		}}
		err := clientOf(t, options, provider).Ping(t.Context()).Err()
		if !errors.Is(err, entrakey.ErrInvalidConfig) || !strings.Contains(err.Error(), "cache.example") || !strings.Contains(err.Error(), "TLSConfig") {
			t.Fatal(buffer, err)
		}
		if len(written) != 0 {
			t.Fatal(buffer, "something was sent")
		}
	}
	options := &redis.Options{Addr: address, MaxRetries: -1, Dialer: func(context.Context, string, string) (net.Conn, error) {
		return elsewhere{written: written}, nil
	}}
	if err := entrakeygoredis.Configure(options, provider, entrakeygoredis.AllowPlaintext()); err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	_ = client.Ping(t.Context()).Err()
	if len(written) == 0 {
		t.Fatal("what is allowed was not sent")
	}
}

// elsewhere is a connection without TLS to another machine, of which nothing leaves this one.
type elsewhere struct {
	net.Conn
	written chan []byte
}

func (e elsewhere) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.ParseIP("192.0.2.1"), Port: 6379}
}
func (e elsewhere) Write(p []byte) (int, error)      { e.written <- p; return len(p), nil }
func (e elsewhere) Read([]byte) (int, error)         { return 0, errors.New("nobody answers") }
func (e elsewhere) Close() error                     { return nil }
func (e elsewhere) SetDeadline(time.Time) error      { return nil }
func (e elsewhere) SetReadDeadline(time.Time) error  { return nil }
func (e elsewhere) SetWriteDeadline(time.Time) error { return nil }

// counts are of AUTHs that replaced a token by another.
type counts struct {
	Accepted int `json:"reauths_accepted"`
	Rejected int `json:"reauths_rejected"`
}

// reached waits until enough has been counted.
func reached(t *testing.T, provider *entrakey.Provider, enough func(counts) bool) {
	t.Helper()
	var seen counts
	for deadline := time.Now().Add(time.Minute); !enough(seen); counters(t, provider, &seen) {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", seen)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// A server that refuses the new token must not cost the connections that are on a good one.
func TestConnectionsStayOnTheirTokenWhileTheServerRefusesTheNewOne(t *testing.T) {
	source := azure(t, "--token-lifetime=60s")
	source.Use(t, "imds")
	provider, err := entrakey.New(entrakey.Config{Identity: "managed_identity", ReauthSpread: new(0.0), MinRequestInterval: 250 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	options := optionsOf(t, source)
	options.PoolSize = 2
	client := clientOf(t, options, provider)
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	subscriber := client.Subscribe(t.Context(), "news")
	defer subscriber.Close()
	if _, err := subscriber.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	messages := subscriber.Channel()
	published := func() {
		t.Helper()
		if heard, err := client.Publish(t.Context(), "news", "still there").Result(); err != nil || heard != 1 {
			t.Fatal(heard, err)
		}
		<-messages
	}

	// Every AUTH is refused, and after the second token there is none for a while.
	order(t, source, http.MethodPost, "/emulator/redis/faults", []map[string]any{{"on": "auth", "refuse": true, "times": 1000}})
	order(t, source, http.MethodPost, "/emulator/faults", map[string]any{"route": "imds",
		"answers": []map[string]any{{"delay_ms": 0}, {"status": 503, "times": 1000}}})
	if err := provider.Refresh(); err != nil {
		t.Fatal(err)
	}
	reached(t, provider, func(seen counts) bool { return seen.Rejected >= 1 })
	// The moment of the pool's connection comes within a tenth of what is left of its token: from then on it would be replaced
	// by one that is refused.
	for begun, last := time.Now(), 6500*time.Millisecond; time.Since(begun) < last; time.Sleep(50 * time.Millisecond) {
		published()
	}
	if version := provider.Version(); version != 2 {
		t.Fatalf("token %d: nothing was refused but the second", version)
	}

	order(t, source, http.MethodDelete, "/emulator/redis/faults", nil)
	order(t, source, http.MethodDelete, "/emulator/faults", nil)
	reached(t, provider, func(seen counts) bool { return seen.Accepted >= 1 }) // another token was asked for, and taken
	published()
}

func order(t *testing.T, of *emulator.Emulator, method, path string, body any) {
	t.Helper()
	if err := of.Control(method, path, body, nil); err != nil {
		t.Fatal(err)
	}
}
