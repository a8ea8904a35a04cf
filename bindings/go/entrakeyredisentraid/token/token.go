// Package token is go-redis-entraid's package of that name.
package token

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9/auth"
)

var _ auth.Credentials = (*Token)(nil)

// Token is a user name and a password for Redis, and until when they are good. Unlike the original it shows its secrets to
// nobody but the callers of BasicAuth, RawCredentials and RawToken.
type Token struct {
	content func() *content // a function, into which no printing looks
}

type content struct {
	username, password, rawToken string
	expiresOn, receivedAt        time.Time
	ttl                          int64
}

// New makes a token; nil without an expiry. ttl is in milliseconds, from receivedAt on; both are computed if receivedAt is zero.
func New(username, password, rawToken string, expiresOn, receivedAt time.Time, ttl int64) *Token {
	if expiresOn.IsZero() {
		return nil
	}
	if receivedAt.IsZero() {
		receivedAt = time.Now()
		ttl = expiresOn.Sub(receivedAt).Milliseconds()
	}
	c := &content{username, password, rawToken, expiresOn, receivedAt, ttl}
	return &Token{func() *content { return c }}
}

func (t *Token) value() content {
	if t == nil || t.content == nil {
		return content{}
	}
	return *t.content()
}

// BasicAuth is the user name and the password.
func (t *Token) BasicAuth() (username, password string) {
	c := t.value()
	return c.username, c.password
}

// RawCredentials is the token as its source gave it.
func (t *Token) RawCredentials() string { return t.RawToken() }

// RawToken is the token as its source gave it.
func (t *Token) RawToken() string { return t.value().rawToken }

// ReceivedAt is when the token was received.
func (t *Token) ReceivedAt() time.Time { return t.value().receivedAt }

// ExpirationOn is when the token expires.
func (t *Token) ExpirationOn() time.Time { return t.value().expiresOn }

// TTL is how long the token was good for when it was received, in milliseconds.
func (t *Token) TTL() int64 { return t.value().ttl }

// Copy is another token with the same content.
func (t *Token) Copy() *Token {
	if t == nil {
		return nil
	}
	c := t.value()
	return New(c.username, c.password, c.rawToken, c.expiresOn, c.receivedAt, c.ttl)
}

func (t Token) String() string {
	return fmt.Sprintf("Token(expires %s, secret [redacted])", t.value().expiresOn.UTC().Format(time.RFC3339))
}

func (t Token) GoString() string               { return t.String() }
func (t Token) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, t.String()) }
func (t Token) MarshalJSON() ([]byte, error)   { return json.Marshal(t.String()) }
func (t Token) LogValue() slog.Value           { return slog.StringValue(t.String()) }
