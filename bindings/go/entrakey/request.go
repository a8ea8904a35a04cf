package entrakey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"entrakey.invalid/go/entrakey/internal/native"
)

// AccessToken is what a program's own token source gives. What is printed, logged or marshalled of it does not show its secret,
// except by fmt where it is in an unexported field of something else: fmt calls no methods there.
type AccessToken struct {
	Secret string
	// ExpiresAt is when the token expires, by this machine's clock; the zero time if the token itself says it.
	ExpiresAt time.Time
}

// String names the expiry.
func (t AccessToken) String() string {
	expiry := "as the token says"
	if !t.ExpiresAt.IsZero() {
		expiry = t.ExpiresAt.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("AccessToken(expires %s, secret %s)", expiry, redacted)
}

func (t AccessToken) GoString() string               { return t.String() }
func (t AccessToken) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, t.String()) }
func (t AccessToken) MarshalJSON() ([]byte, error)   { return json.Marshal(t.String()) }
func (t AccessToken) LogValue() slog.Value           { return slog.StringValue(t.String()) }

// identity tells a provider from others, for its token source; a source that knew the provider would keep it from being
// collected.
type identity struct{ _ byte }

type waiting struct{} // the key of the identity in a token source's ctx

// asks: ctx is that of a token source that this provider is waiting for.
func asks(ctx context.Context, p *Provider) bool { return ctx.Value(waiting{}) == any(p.identity) }

func forTokens(p *identity, source func(ctx context.Context, scope string) (AccessToken, error)) func(native.Handle) {
	return func(request native.Handle) {
		go answer(p, request, func(ctx context.Context) (AccessToken, error) { return source(ctx, native.RequestScope(request)) })
	}
}

func forAssertions(p *identity, source func(ctx context.Context) (string, error)) func(native.Handle) {
	return func(request native.Handle) {
		go answer(p, request, func(ctx context.Context) (AccessToken, error) {
			assertion, err := source(ctx)
			return AccessToken{Secret: assertion}, err
		})
	}
}

// answer runs on a goroutine of its own, so that a source that takes its time holds no thread of the library's. A request is
// answered whatever comes, also if the source ends its goroutine (runtime.Goexit, as a test's FailNow does): with a panic the
// program ends, as it would anywhere else.
func answer(p *identity, request native.Handle, source func(context.Context) (AccessToken, error)) {
	token, err := AccessToken{}, errors.New("the source ended its goroutine (runtime.Goexit) instead of returning")
	defer func() { deliver(request, token, err) }()
	left := time.Duration(native.RequestTimeLeftMilli(request)) * time.Millisecond
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), waiting{}, p), left)
	defer cancel()
	token, err = source(ctx)
}

// deliver gives the library what it asked for, or the reason why there is nothing.
func deliver(request native.Handle, token AccessToken, err error) {
	if err == nil && strings.ContainsRune(token.Secret, 0) {
		err = fmt.Errorf("the token contains a NUL")
	}
	if err != nil {
		native.RequestFail(request, err.Error())
		return
	}
	expires := uint64(0)
	if !token.ExpiresAt.IsZero() {
		expires = uint64(max(token.ExpiresAt.UnixMilli(), 1))
	}
	_ = native.RequestComplete(request, token.Secret, expires) // which has failed the request if it says so
}
