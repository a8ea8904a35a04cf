package entrakeyrueidis_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"entrakey.invalid/go/entrakey"
	"entrakey.invalid/go/entrakey/emulator"
	"entrakey.invalid/go/entrakeyrueidis"
	"github.com/redis/rueidis"
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

func providerOf(t *testing.T, on *emulator.Emulator, config entrakey.Config) *entrakey.Provider {
	t.Helper()
	on.Use(t, "imds")
	config.Identity = "managed_identity"
	provider, err := entrakey.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = provider.Close() })
	return provider
}

// optionOf is for a client of the emulator, whose nodes call themselves what only their certificate knows.
func optionOf(t *testing.T, on *emulator.Emulator) rueidis.ClientOption {
	t.Helper()
	config, err := on.TLSConfig()
	if err != nil {
		t.Fatal(err)
	}
	return rueidis.ClientOption{InitAddress: []string{on.RedisAddress()},
		DialCtxFn: func(ctx context.Context, address string, dialer *net.Dialer, _ *tls.Config) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext(ctx, "tcp", net.JoinHostPort("localhost", port))
		}}
}

func clientOf(t *testing.T, option rueidis.ClientOption, provider *entrakey.Provider) rueidis.Client {
	t.Helper()
	if err := entrakeyrueidis.Configure(&option, provider); err != nil {
		t.Fatal(err)
	}
	client, err := rueidis.NewClient(option)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func ping(t *testing.T, client rueidis.Client) {
	t.Helper()
	if err := client.Do(t.Context(), client.B().Ping().Build()).Error(); err != nil {
		t.Fatal(err)
	}
}

// ledger is what status says of connections.
type ledger struct {
	Listeners struct {
		Count, Connections, Stale int
		OldestVersion             uint64 `json:"oldest_version"`
	}
	Counters struct {
		Accepted   int            `json:"reauths_accepted"`
		Rejected   int            `json:"reauths_rejected"`
		Rejections map[string]int `json:"auth_rejections"`
	}
}

func ledgerOf(t *testing.T, provider *entrakey.Provider) (l ledger) {
	t.Helper()
	said, err := provider.Status()
	if err == nil {
		err = json.Unmarshal(said, &l)
	}
	if err != nil {
		t.Fatal(err)
	}
	return
}

// reached waits until the ledger says so.
func reached(t *testing.T, provider *entrakey.Provider, what string, enough func(ledger) bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !enough(ledgerOf(t, provider)); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not %s: %+v", what, ledgerOf(t, provider))
		}
	}
}

// smallerThanATokens is a buffer that takes several Writes to send a token.
const smallerThanATokens = 512

func TestConnectionsAreCountedFromTheirFirstTokenToTheirEnd(t *testing.T) {
	source := azure(t, "--token-lifetime=8s")
	provider := providerOf(t, source, entrakey.Config{})
	option := optionOf(t, source)
	option.ForceSingleClient = true
	first := clientOf(t, option, provider)
	option.WriteBufferEachConn = smallerThanATokens
	second := clientOf(t, option, provider)
	ping(t, first)
	ping(t, second)
	if l := ledgerOf(t, provider); l.Listeners.Count != 2 || l.Listeners.Connections < 2 || l.Listeners.OldestVersion != 1 || l.Counters.Accepted != 0 {
		t.Fatalf("connected: %+v", l)
	}
	reached(t, provider, "on the second token", func(l ledger) bool {
		return l.Listeners.OldestVersion >= 2 && l.Counters.Accepted >= l.Listeners.Connections && l.Counters.Rejected == 0 && l.Listeners.Stale == 0
	})
	first.Close()
	reached(t, provider, "the first client's end, and the second one is on a token", func(l ledger) bool { return l.Listeners.Count == 1 && l.Listeners.OldestVersion >= 2 })
	second.Close()
	reached(t, provider, "the end", func(l ledger) bool { return l.Listeners.Count == 0 && l.Listeners.Connections == 0 })
}

func TestARefusedTokenIsExplainedAndReported(t *testing.T) {
	source := azure(t)
	provider := providerOf(t, source, entrakey.Config{ClientID: source.Variable("ENTRAKEY_EMULATOR_WITHOUT_POLICY_CLIENT_ID")})
	for _, buffer := range []int{0, smallerThanATokens} {
		option := optionOf(t, source)
		option.ForceSingleClient, option.WriteBufferEachConn = true, buffer
		if err := entrakeyrueidis.Configure(&option, provider); err != nil {
			t.Fatal(err)
		}
		_, err := rueidis.NewClient(option)
		var refused *entrakeyrueidis.RefusedError
		if !errors.As(err, &refused) || refused.Reason != "no_access_policy" || !strings.HasPrefix(refused.Answer, "WRONGPASS") ||
			!strings.Contains(err.Error(), source.Variable("ENTRAKEY_EMULATOR_WITHOUT_POLICY_OBJECT_ID")) {
			t.Fatal(buffer, err)
		}
		if token := provider.Current(); token == nil || strings.Contains(err.Error(), token.Secret()) {
			t.Fatal("the error shows the token")
		}
	}
	if l := ledgerOf(t, provider); l.Counters.Rejections["no_access_policy"] < 1 {
		t.Fatalf("%+v", l)
	}
	reached(t, provider, "the end", func(l ledger) bool { return l.Listeners.Connections == 0 })
}

// rueidis closes a connection whose AUTH is refused, and makes another one.
func TestATokenThatIsRefusedLaterIsReportedAndTheNextOneTaken(t *testing.T) {
	source := azure(t, "--token-lifetime=8s")
	provider := providerOf(t, source, entrakey.Config{MinRequestInterval: 250 * time.Millisecond})
	option := optionOf(t, source)
	option.ForceSingleClient, option.PipelineMultiplex = true, -1
	client := clientOf(t, option, provider)
	ping(t, client)
	if err := source.Control(http.MethodPost, "/emulator/redis/faults", []map[string]any{{"on": "auth", "refuse": true}}, nil); err != nil {
		t.Fatal(err)
	}
	reached(t, provider, "refused", func(l ledger) bool { return l.Counters.Rejected == 1 && l.Counters.Rejections["no_access_policy"] == 1 })
	for client.Do(t.Context(), client.B().Ping().Build()).Error() != nil { // what comes before it has connected again
		time.Sleep(10 * time.Millisecond)
	}
	reached(t, provider, "connected again", func(l ledger) bool { return l.Listeners.Connections == 1 && l.Listeners.OldestVersion >= 2 })
}

func TestWhatTheOptionsBringAlongIsNamedOnceAndNotShown(t *testing.T) {
	provider := providerOf(t, azure(t), entrakey.Config{})
	var logged bytes.Buffer
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})))
	for range 20 { // a map has another order each time
		logged.Reset()
		option := rueidis.ClientOption{Username: "default", Password: "hunter2",
			AuthCredentialsFn: func(rueidis.AuthCredentialsContext) (rueidis.AuthCredentials, error) {
				return rueidis.AuthCredentials{}, nil
			}}
		if err := entrakeyrueidis.Configure(&option, provider); err != nil {
			t.Fatal(err)
		}
		if said := logged.String(); said != "level=WARN msg=\"entrakeyrueidis: the options bring other credentials along, which are not used: Username, Password, AuthCredentialsFn\"\n" {
			t.Fatal(said)
		}
	}
}

func TestATokenIsNotSentInClearToAnotherMachine(t *testing.T) {
	provider := providerOf(t, azure(t), entrakey.Config{})
	option := rueidis.ClientOption{InitAddress: []string{"cache.example:6379"}, DisableCache: true,
		DialCtxFn: func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error) { return elsewhere{}, nil }}
	if err := entrakeyrueidis.Configure(&option, provider); err != nil {
		t.Fatal(err)
	}
	_, err := rueidis.NewClient(option)
	if !errors.Is(err, entrakey.ErrInvalidConfig) || !strings.Contains(err.Error(), "cache.example") || !strings.Contains(err.Error(), "AllowPlaintext") {
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

func (elsewhere) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.ParseIP("192.0.2.1"), Port: 6379} }
func (elsewhere) Close() error                     { return nil }
func (elsewhere) SetDeadline(time.Time) error      { return nil }
func (elsewhere) SetReadDeadline(time.Time) error  { return nil }
func (elsewhere) SetWriteDeadline(time.Time) error { return nil }
func (elsewhere) Read([]byte) (int, error)         { return 0, errors.New("nobody answers") }
func (elsewhere) Write([]byte) (int, error)        { return 0, errors.New("something was sent") }
