package entraid_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"entrakey.invalid/go/entrakey/emulator"
	"entrakey.invalid/go/entrakeygoredis"
	entraid "entrakey.invalid/go/entrakeyredisentraid"
	"entrakey.invalid/go/entrakeyredisentraid/identity"
	"entrakey.invalid/go/entrakeyredisentraid/manager"
	"entrakey.invalid/go/entrakeyredisentraid/token"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/auth"
	"github.com/redis/go-redis/v9/maintnotifications"
)

var azures = map[*testing.T]*emulator.Emulator{}

// in starts an emulator and makes the environment that of a place.
func in(t *testing.T, place string, arguments ...string) *emulator.Emulator {
	t.Helper()
	azure, err := emulator.Start(t.Context(), arguments...)
	if err != nil {
		t.Fatal(err)
	}
	azures[t] = azure
	t.Cleanup(func() { delete(azures, t); _ = azure.Close() })
	azure.Use(t, place)
	return azure
}

func options(t *testing.T) *redis.Options {
	t.Helper()
	azure := azures[t]
	config, err := azure.TLSConfig()
	if err != nil {
		t.Fatal(err)
	}
	return &redis.Options{Addr: azure.RedisAddress(), TLSConfig: config, MaxRetries: -1,
		DialTimeout: patient, ReadTimeout: patient, PoolTimeout: patient,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}}
}

func streaming(t *testing.T, provider auth.StreamingCredentialsProvider) *redis.Options {
	t.Helper()
	o := options(t)
	o.StreamingCredentialsProvider = provider
	return o
}

type listener struct{ next chan auth.Credentials }

func (l listener) OnNext(c auth.Credentials) { l.next <- c }
func (l listener) OnError(err error)         { panic(err) }

func username(t *testing.T, provider auth.StreamingCredentialsProvider) string {
	t.Helper()
	credentials, unsubscribe, err := provider.Subscribe(listener{})
	if err != nil {
		t.Fatal(err)
	}
	defer unsubscribe()
	name, _ := credentials.BasicAuth()
	return name
}

func systemAssigned(t *testing.T, more manager.TokenManagerOptions) auth.StreamingCredentialsProvider {
	t.Helper()
	provider, err := entraid.NewManagedIdentityCredentialsProvider(entraid.ManagedIdentityCredentialsProviderOptions{
		CredentialsProviderOptions:     entraid.CredentialsProviderOptions{TokenManagerOptions: more},
		ManagedIdentityProviderOptions: identity.ManagedIdentityProviderOptions{ManagedIdentityType: identity.SystemAssignedIdentity},
	})
	if err != nil {
		t.Fatal(err)
	}
	return provider
}

func TestAListenerIsToldOnceOfEachTokenUntilItIsUnsubscribed(t *testing.T) {
	in(t, "imds", "--token-lifetime=6s")
	provider := systemAssigned(t, manager.TokenManagerOptions{})
	told := listener{make(chan auth.Credentials, 100)}
	first, unsubscribe, err := provider.Subscribe(told)
	if err != nil {
		t.Fatal(err)
	}
	_, again, err := provider.Subscribe(told)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{first.RawCredentials(): true}
	for range 2 {
		next := <-told.next
		if seen[next.RawCredentials()] {
			t.Fatal("a token came twice")
		}
		seen[next.RawCredentials()] = true
	}
	if err := errors.Join(unsubscribe(), unsubscribe(), again()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); listeners(t, provider) != 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) { // who follows it notices a moment later
			t.Fatal("what nobody listens to is still followed")
		}
	}
	if _, unsubscribe, err = provider.Subscribe(told); err != nil || listeners(t, provider) != 1 {
		t.Fatal("it does not begin again: ", err)
	}
	if err := unsubscribe(); err != nil {
		t.Fatal(err)
	}
}

func listeners(t *testing.T, provider auth.StreamingCredentialsProvider) int {
	t.Helper()
	var status struct{ Listeners struct{ Count int } }
	said, err := entraid.ProviderOf(provider).Status()
	if err == nil {
		err = json.Unmarshal(said, &status)
	}
	if err != nil {
		t.Fatal(err)
	}
	return status.Listeners.Count
}

// The original gives up after some attempts, and its tokens end.
func TestNothingGivesUp(t *testing.T) {
	azure := in(t, "imds", "--token-lifetime=6s")
	told := listener{make(chan auth.Credentials, 100)}
	provider := systemAssigned(t, manager.TokenManagerOptions{RetryOptions: manager.RetryOptions{
		MaxAttempts: 2, InitialDelay: 50 * time.Millisecond, MaxDelay: 60 * time.Millisecond}})
	_, unsubscribe, err := provider.Subscribe(told)
	if err != nil {
		t.Fatal(err)
	}
	defer unsubscribe()
	if err := azure.Control(http.MethodPost, "/emulator/faults", map[string]any{"route": "imds",
		"answers": []map[string]any{{"status": 400, "body": `{"error":"invalid_request"}`, "times": 1}, {"status": 500, "times": 4}}}, nil); err != nil {
		t.Fatal(err)
	}
	<-told.next
	pings(t, provider, nil)
}

func TestAClientOutlivesItsTokens(t *testing.T) {
	in(t, "imds", "--token-lifetime=8s")
	provider := systemAssigned(t, manager.TokenManagerOptions{})
	client := redis.NewClient(streaming(t, provider))
	for begun := time.Now(); time.Since(begun) < 18*time.Second; time.Sleep(20 * time.Millisecond) {
		if err := client.Ping(t.Context()).Err(); err != nil {
			t.Fatal(time.Since(begun), err)
		}
	}
	if version := entraid.ProviderOf(provider).Version(); version < 3 {
		t.Fatalf("only %d tokens", version)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
}

// Where go-redis panics with a streaming provider, the same provider serves entrakeygoredis.
func TestTheProviderBehindServesWatchAsTheFirstCommand(t *testing.T) {
	in(t, "imds")
	provider := systemAssigned(t, manager.TokenManagerOptions{})
	o := options(t)
	if err := entrakeygoredis.Configure(o, entraid.ProviderOf(provider)); err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(o)
	defer client.Close()
	if err := client.Watch(t.Context(), func(tx *redis.Tx) error { return tx.Ping(t.Context()).Err() }, "key"); err != nil {
		t.Fatal(err)
	}
	if entraid.ProviderOf(nil) != nil {
		t.Fatal("nothing has a provider behind it")
	}
}

func TestATokenManagerIsStartedOnceAndStoppedOnce(t *testing.T) {
	tokenManager, err := manager.NewTokenManager(fixed{time.Now()}, manager.TokenManagerOptions{IdentityProviderResponseParser: colons{}})
	if err != nil {
		t.Fatal(err)
	}
	stop, err := tokenManager.Start(tokens{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tokenManager.Start(tokens{}); !errors.Is(err, manager.ErrTokenManagerAlreadyStarted) {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if err := stop(); !errors.Is(err, manager.ErrTokenManagerAlreadyStopped) {
		t.Fatal(err)
	}
}

type tokens struct{}

func (tokens) OnNext(*token.Token) {}
func (tokens) OnError(error)       {}

func TestATokenShowsItsSecretToNobody(t *testing.T) {
	const secret = "eyJ.secret"
	made := token.New("user", secret, secret, time.Now().Add(time.Hour), time.Time{}, 0)
	if made.TTL() < 3_500_000 || made.TTL() > 3_600_000 || made.ReceivedAt().IsZero() {
		t.Error(made.TTL(), made.ReceivedAt())
	}
	if copied := made.Copy(); copied == made || copied.RawToken() != secret || copied.TTL() != made.TTL() {
		t.Error("a copy is another token with the same content")
	}
	if token.New("user", secret, secret, time.Time{}, time.Now(), 1) != nil {
		t.Error("a token without an expiry")
	}
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("", "token", made)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		logged.WriteString(fmt.Sprintf(verb, made) + fmt.Sprintf(verb, *made) + fmt.Sprintf(verb, []any{struct{ t *token.Token }{made}}))
	}
	text, err := json.Marshal(map[string]any{"token": made})
	if err != nil || !strings.Contains(string(text), "[redacted]") || strings.Contains(logged.String()+string(text), secret) ||
		strings.Contains(logged.String(), fmt.Sprintf("%x", secret)) {
		t.Fatal(err, logged.String(), string(text))
	}
}
