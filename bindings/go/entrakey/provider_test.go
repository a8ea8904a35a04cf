package entrakey_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entrakey.invalid/go/entrakey"
	"entrakey.invalid/go/entrakey/emulator"
)

const patience = time.Minute // a busy machine

// firstFailureIsLast: the next try would come after the time of whoever waits. How long the first may take is the machine's affair.
const firstFailureIsLast = 30 * time.Second

func azure(t *testing.T, arguments ...string) *emulator.Emulator {
	t.Helper()
	started, err := emulator.Start(t.Context(), arguments...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = started.Close() })
	started.Use(t, "imds")
	return started
}

func provider(t *testing.T, config entrakey.Config) *entrakey.Provider {
	t.Helper()
	if config.Identity == "" && config.TokenSource == nil && config.AssertionSource == nil {
		config.Identity = "managed_identity"
	}
	made, err := entrakey.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = made.Close() })
	return made
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func faults(t *testing.T, on *emulator.Emulator, answers ...map[string]any) {
	t.Helper()
	if err := on.Control(http.MethodPost, "/emulator/faults", map[string]any{"route": "imds", "answers": answers}, nil); err != nil {
		t.Fatal(err)
	}
}

func requests(t *testing.T, of *emulator.Emulator) int {
	t.Helper()
	stats, err := of.Stats()
	if err != nil {
		t.Fatal(err)
	}
	return stats.TokenRequests.Total
}

func TestATokenIsFetchedOnceAndThenServedFromMemory(t *testing.T) {
	source := azure(t)
	p := provider(t, entrakey.Config{})
	if p.Current() != nil || p.Version() != 0 {
		t.Fatal("a token before the first request")
	}
	first, err := p.Token(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	if first.Username() != source.Variable("ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID") || len(first.Secret()) < 500 || first.Version() != 1 {
		t.Fatalf("%v of %q, %d bytes", first, first.Username(), len(first.Secret()))
	}
	if left := time.Until(first.ExpiresAt()); left < 50*time.Minute || !first.RefreshAt().Before(first.ExpiresAt()) {
		t.Fatalf("%v left, refresh at %v", left, first.RefreshAt())
	}
	again, err := p.TokenForConnect(soon(t))
	if err != nil || again != first || p.Current().Secret() != first.Secret() || p.Version() != 1 {
		t.Fatal(again, err)
	}
	if asked := requests(t, source); asked != 1 {
		t.Fatalf("%d requests", asked)
	}
}

// As sources do that keep tokens themselves: it is the same token, and more is known of its end.
func TestATokenThatItsSourceRepeatsHasTheExpiryThatTheSourceSaidLast(t *testing.T) {
	sooner := time.Now().Add(time.Minute)
	var expiry atomic.Int64
	expiry.Store(sooner.UnixMilli())
	p := provider(t, entrakey.Config{Username: "someone", TokenSource: func(context.Context, string) (entrakey.AccessToken, error) {
		return entrakey.AccessToken{Secret: "opaque", ExpiresAt: time.UnixMilli(expiry.Load())}, nil
	}})
	first, err := p.Token(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := p.Token(soon(t)); err != nil || again != first {
		t.Fatal("a second copy of the same token:", again, err)
	}
	expiry.Store(sooner.Add(time.Hour).UnixMilli())
	if err := p.Refresh(); err != nil {
		t.Fatal(err)
	}
	for ctx := soon(t); !strings.Contains(status(t, p), `"unchanged":1`); time.Sleep(5 * time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatal(status(t, p))
		}
	}
	if second, err := p.Token(soon(t)); err != nil || second.Version() != 1 || second.ExpiresAt().Before(sooner.Add(time.Minute)) {
		t.Fatal(second, err)
	}
}

func status(t *testing.T, of *entrakey.Provider) string {
	t.Helper()
	said, err := of.Status()
	if err != nil {
		t.Fatal(err)
	}
	return string(said)
}

func TestTenThousandCallersOfAnEmptyCacheAreOneRequestAndFewThreads(t *testing.T) {
	source := azure(t)
	faults(t, source, map[string]any{"delay_ms": 1000})
	p := provider(t, entrakey.Config{})
	var callers sync.WaitGroup
	var mutex sync.Mutex
	wrong := 0
	for range 10_000 {
		callers.Go(func() {
			if _, err := p.Token(soon(t)); err != nil {
				mutex.Lock()
				wrong++
				mutex.Unlock()
			}
		})
	}
	callers.Wait()
	if wrong != 0 {
		t.Fatalf("%d failed", wrong)
	}
	if asked, threads := requests(t, source), threads(t); asked != 1 || threads > 30 {
		t.Fatalf("%d requests, %d threads", asked, threads)
	}
}

// threads is how many this process has had at most, roughly: Go ends none.
func threads(t *testing.T) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	return len(tasks)
}

func TestACallerWhoseContextEndsDoesNotWaitAndTheOthersGetTheirToken(t *testing.T) {
	source := azure(t)
	faults(t, source, map[string]any{"delay_ms": 6000}) // less than a request may take, more than a busy machine until it looks
	p := provider(t, entrakey.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	results := make(chan error)
	go func() { _, err := p.Token(ctx); results <- err }()
	cancel()
	if err := <-results; err != context.Canceled {
		t.Fatal(err)
	}
	if p.Version() != 0 {
		t.Fatal("the caller waited for the token")
	}
	if _, err := p.Token(soon(t)); err != nil {
		t.Fatal(err)
	}
	if asked := requests(t, source); asked != 1 {
		t.Fatalf("%d requests", asked)
	}
}

func TestCloseWakesWhoWaitsAndEndsEverything(t *testing.T) {
	source := azure(t)
	faults(t, source, map[string]any{"hang": true})
	p := provider(t, entrakey.Config{})
	watch, err := p.Watch()
	if err != nil {
		t.Fatal(err)
	}
	results := make(chan error)
	go func() { _, err := p.Token(soon(t)); results <- err }()
	go func() { _, err := watch.Wait(soon(t)); results <- err }()
	_ = p.Close()
	for range 2 {
		if err := <-results; !errors.Is(err, entrakey.ErrClosed) {
			t.Fatal(err)
		}
	}
	_, status := p.Status()
	_, rejected := p.ReportRejected(1, "WRONGPASS")
	_, watched := p.Watch()
	_, token := p.Token(soon(t))
	_, waited := watch.Wait(soon(t))
	for _, err := range []error{status, rejected, watched, token, waited, p.Refresh(), p.Ready(soon(t))} {
		if !errors.Is(err, entrakey.ErrClosed) {
			t.Fatal(err)
		}
	}
	if p.Current() != nil || p.Version() != 0 || p.Close() != nil || watch.Close() != nil || watch.Close() != nil {
		t.Fatal("a closed provider has a token")
	}
}

func TestErrorsSayWhatKindTheyAre(t *testing.T) {
	source := azure(t)
	p := provider(t, entrakey.Config{ClientID: "00000000-0000-4000-8000-000000000000"})
	_, err := p.Token(soon(t))
	var said *entrakey.Error
	if !errors.Is(err, entrakey.ErrIdentityUnavailable) || errors.Is(err, entrakey.ErrTimeout) || !errors.As(err, &said) {
		t.Fatal(err)
	}
	if said.Retriable || said.HTTPStatus != 400 || !strings.Contains(said.Message, "not attached") || said.Timeout() {
		t.Fatalf("%+v", said)
	}
	source.Use(t, "client_secret")
	_, err = provider(t, entrakey.Config{Identity: "service_principal", ClientSecret: entrakey.NewSecret("wrong")}).Token(soon(t))
	if !errors.As(err, &said) || said.Kind != entrakey.ErrAuthRejected || said.AADSTS != 7000215 || said.CorrelationID == "" {
		t.Fatal(err)
	}
	_, err = entrakey.New(entrakey.Config{Identity: "managed_identiti"})
	if !errors.Is(err, entrakey.ErrInvalidConfig) || !strings.Contains(err.Error(), "managed_identity") {
		t.Fatal(err)
	}
	_, err = entrakey.New(entrakey.Config{Name: "a\xff"})
	if !errors.Is(err, entrakey.ErrInvalidConfig) || !strings.Contains(err.Error(), "name") {
		t.Fatal(err)
	}
	if kind := entrakey.Kind(99); kind.Error() != "kind 99" || entrakey.ErrClosed.Error() != "CLOSED" {
		t.Fatal(kind)
	}
}

func TestEveryFieldReachesTheLibrary(t *testing.T) {
	azure(t)
	for _, wrong := range []struct {
		config entrakey.Config
		named  string
	}{
		{entrakey.Config{RefreshRatio: of(1.5)}, "refresh_ratio"},
		{entrakey.Config{RefreshJitter: of(-1.0)}, "refresh_jitter"},
		{entrakey.Config{RequestTimeout: -time.Second}, "request_timeout_ms"},
		{entrakey.Config{MinRequestInterval: time.Nanosecond}, "min_request_interval_ms"},
	} {
		if _, err := entrakey.New(wrong.config); err == nil || !strings.Contains(err.Error(), wrong.named) {
			t.Errorf("%s: %v", wrong.named, err)
		}
	}
}

func TestNothingThatIsShownHoldsASecret(t *testing.T) {
	source := azure(t)
	p := provider(t, entrakey.Config{})
	token, err := p.Token(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	config := entrakey.Config{ClientSecret: entrakey.NewSecret("the very secret")}
	given := entrakey.AccessToken{Secret: token.Secret(), ExpiresAt: token.ExpiresAt()}
	within := struct {
		token  entrakey.Token
		behind *entrakey.Token
		config entrakey.Config
	}{*token, token, config}
	var shown bytes.Buffer
	for _, value := range []any{token, *token, config, &config, config.ClientSecret, &config.ClientSecret, given, &given, []entrakey.AccessToken{given}, within, &within, p} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
			fmt.Fprintf(&shown, verb+"\n", value)
		}
		slog.New(slog.NewTextHandler(&shown, nil)).Info("shown", "value", value)
		slog.New(slog.NewJSONHandler(&shown, nil)).Info("shown", "value", value)
	}
	for _, value := range []any{token, *token, config.ClientSecret, given, &given} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		shown.Write(text)
	}
	page := new(bytes.Buffer)
	if err := entrakey.WriteMetrics(page, p); err != nil || !strings.Contains(page.String(), "entrakey_token_expiry_timestamp_seconds") {
		t.Fatal(err, page)
	}
	status, err := p.Status()
	if err != nil || !json.Valid(status) || !strings.Contains(string(status), `"ready":true`) {
		t.Fatal(err, status)
	}
	everything := shown.String() + page.String() + string(status)
	for _, secret := range []string{token.Secret(), token.Secret()[:40], fmt.Sprintf("%x", token.Secret()[:20]), "the very secret", fmt.Sprintf("%x", "the very"), source.Variable("ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID")} {
		if strings.Contains(strings.ToLower(everything), strings.ToLower(secret)) {
			t.Errorf("%.20s... was shown", secret)
		}
	}
}

func TestTheProgramCanBeTheSourceOfTokens(t *testing.T) {
	source := azure(t)
	theirs, err := provider(t, entrakey.Config{}).Token(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	var scope string
	var within error
	var p *entrakey.Provider
	p = provider(t, entrakey.Config{TokenSource: func(ctx context.Context, asked string) (entrakey.AccessToken, error) {
		scope = asked
		_, within = p.Token(ctx)
		return entrakey.AccessToken{Secret: theirs.Secret(), ExpiresAt: time.Now().Add(time.Hour)}, nil
	}})
	token, err := p.Token(soon(t))
	if err != nil || token.Secret() != theirs.Secret() || scope != "https://redis.azure.com/.default" {
		t.Fatal(token, scope, err)
	}
	if !errors.Is(within, entrakey.ErrInvalidArgument) {
		t.Fatalf("a source that asks its own provider: %v", within)
	}
	failing := provider(t, entrakey.Config{TokenSource: func(context.Context, string) (entrakey.AccessToken, error) {
		return entrakey.AccessToken{}, errors.New("the vault is closed")
	}, RetryInitial: firstFailureIsLast})
	if _, err := failing.Token(soon(t)); !errors.Is(err, entrakey.ErrCallbackFailed) || !strings.Contains(err.Error(), "the vault is closed") {
		t.Fatal(err)
	}
	ending := provider(t, entrakey.Config{TokenSource: func(context.Context, string) (entrakey.AccessToken, error) {
		runtime.Goexit()
		return entrakey.AccessToken{}, nil
	}, RetryInitial: firstFailureIsLast})
	if _, err := ending.Token(soon(t)); !errors.Is(err, entrakey.ErrCallbackFailed) || !strings.Contains(err.Error(), "runtime.Goexit") {
		t.Fatal(err)
	}
	asserting := provider(t, entrakey.Config{
		TenantID: source.Variable("ENTRAKEY_EMULATOR_TENANT_ID"), ClientID: source.Variable("ENTRAKEY_EMULATOR_FEDERATED_APP_CLIENT_ID"),
		AuthorityHost: source.Variable("AZURE_AUTHORITY_HOST"), Identity: "client_assertion",
		AssertionSource: func(context.Context) (string, error) { return "", errors.New("no assertion today") },
		RetryInitial:    firstFailureIsLast,
	})
	if _, err := asserting.Token(soon(t)); !errors.Is(err, entrakey.ErrCallbackFailed) || !strings.Contains(err.Error(), "no assertion today") {
		t.Fatal(err)
	}
}

func TestEventsReachTheLogger(t *testing.T) {
	azure(t)
	lines := make(chan string, 100)
	p := provider(t, entrakey.Config{Logger: slog.New(slog.NewTextHandler(channel(lines), nil))})
	token, err := p.Token(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	for {
		select {
		case line := <-lines:
			if strings.Contains(line, token.Secret()[:40]) || strings.Contains(line, "level=DEBUG") {
				t.Fatal(line)
			}
			if strings.Contains(line, "event=token_refreshed") && strings.Contains(line, "level=INFO") {
				return
			}
		case <-soon(t).Done():
			t.Fatal("no token_refreshed")
		}
	}
}

type channel chan string

func (c channel) Write(line []byte) (int, error) {
	c <- string(line)
	return len(line), nil
}

func TestARejectionIsExplained(t *testing.T) {
	azure(t)
	p := provider(t, entrakey.Config{})
	token, err := p.Token(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	rejection, err := p.ReportRejected(token.Version(), "WRONGPASS invalid username-password pair or user is disabled")
	if err != nil || rejection.Reason == "" || !strings.Contains(rejection.Explanation, token.Username()) {
		t.Fatal(rejection, err)
	}
	rejection, err = p.ReportRejected(token.Version(), "LOADING Redis is loading the dataset in memory\x00")
	if err != nil || rejection.Reason != "not_a_refusal" {
		t.Fatal(rejection, err)
	}
}

func TestAConnectionWithoutTLSMayNotLeaveTheMachine(t *testing.T) {
	if err := entrakey.CheckPlaintext("127.0.0.1", "localhost", "set TLSConfig"); err != nil {
		t.Fatal(err)
	}
	err := entrakey.CheckPlaintext("192.0.2.1", "cache.example", "set TLSConfig")
	if !errors.Is(err, entrakey.ErrInvalidConfig) || !strings.Contains(err.Error(), "cache.example") || !strings.Contains(err.Error(), "set TLSConfig") {
		t.Fatal(err)
	}
}

// A goroutine's first call grows its stack, which then moves: C must not have been given an address on it.
func TestEveryCallWorksOnAFreshGoroutine(t *testing.T) {
	azure(t)
	p := provider(t, entrakey.Config{})
	token, err := p.Token(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		for name, works := range map[string]func() bool{
			"Token":   func() bool { got, err := p.Token(t.Context()); return err == nil && got == token },
			"Current": func() bool { return p.Current().Secret() == token.Secret() },
			"Status":  func() bool { status, err := p.Status(); return err == nil && json.Valid(status) },
			"Watch": func() bool {
				watch, err := p.Watch()
				if err != nil {
					return false
				}
				defer watch.Close()
				connection := watch.Opened(1)
				defer connection.Close()
				connection.Authenticated(1)
				rejection, err := connection.Refused(1, "LOADING")
				return !connection.IsBehind(1) && err == nil && rejection.Reason == "not_a_refusal"
			},
			"New": func() bool {
				made, err := entrakey.New(entrakey.Config{Identity: "managed_identity"})
				return err == nil && made.Close() == nil
			},
			"WriteMetrics":   func() bool { page := new(bytes.Buffer); return entrakey.WriteMetrics(page, p) == nil && page.Len() > 0 },
			"ReportRejected": func() bool { said, err := p.ReportRejected(1, "LOADING"); return err == nil && said.Reason != "" },
			"CheckPlaintext": func() bool { return entrakey.CheckPlaintext("::1", "localhost", "") == nil },
		} {
			result := make(chan bool)
			go func() { result <- works() }()
			if !<-result {
				t.Fatal(name)
			}
		}
		runtime.GC()
	}
}

func of[T any](value T) *T { return &value }
