package entrakey

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"time"

	"entrakey.invalid/go/entrakey/internal/native"
)

// Token is an access token and the Redis user name that goes with it. It never changes, and shows its secret to nobody but
// callers of Secret.
type Token struct {
	content func() *native.Token // hidden as in Secret, with the user name
}

func newToken(content *native.Token) *Token {
	if content == nil {
		return nil
	}
	return &Token{func() *native.Token { return content }}
}

// Username is the user name for Redis's AUTH: the identity's object id.
func (t *Token) Username() string { return t.content().Username }

// Secret is the password for Redis's AUTH: the access token. Do not log it.
func (t *Token) Secret() string { return t.content().Secret }

// Version is the token's number among its provider's tokens, from 1.
func (t *Token) Version() uint64 { return t.content().Version }

// ExpiresAt is when the token expires, by this machine's clock.
func (t *Token) ExpiresAt() time.Time { return time.UnixMilli(int64(t.content().ExpiresUnixMilli)) }

// RefreshAt is when the provider means to replace the token.
func (t *Token) RefreshAt() time.Time { return time.UnixMilli(int64(t.content().RefreshUnixMilli)) }

// String names version and expiry. The user name is an object id, which does not belong into logs either.
func (t Token) String() string {
	if t.content == nil {
		return "Token()"
	}
	return fmt.Sprintf("Token(version %d, expires %s, secret %s)", t.Version(), t.ExpiresAt().UTC().Format(time.RFC3339), redacted)
}

func (t Token) GoString() string               { return t.String() }
func (t Token) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, t.String()) }
func (t Token) MarshalJSON() ([]byte, error)   { return json.Marshal(t.String()) }
func (t Token) LogValue() slog.Value           { return slog.StringValue(t.String()) }
