package entrakey

import (
	"context"
	"fmt"
	"strings"
	"time"

	"entrakey.invalid/go/entrakey/internal/native"
)

// AccessToken is what a program's own token source gives.
type AccessToken struct {
	Secret string
	// ExpiresAt is when the token expires, by this machine's clock; the zero time if the token itself says it.
	ExpiresAt time.Time
}

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
// answered whatever comes: with a panic the program ends, as it would anywhere else.
func answer(p *identity, request native.Handle, source func(context.Context) (AccessToken, error)) {
	left := time.Duration(native.RequestTimeLeftMilli(request)) * time.Millisecond
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), waiting{}, p), left)
	defer cancel()
	token, err := source(ctx)
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
