// Package entrakeygoredis lets go-redis authenticate with tokens of a provider, and keeps its connections authenticated.
//
//	options := &redis.Options{Addr: "cache:10000", TLSConfig: &tls.Config{}}
//	err := entrakeygoredis.Configure(options, provider)
//	client := redis.NewClient(options)
//
// Configure the options before the client is made. go-redis's own StreamingCredentialsProvider is not used: go-redis 9.23 panics
// with it in Watch, in Conn and in fail-over clients, and never authenticates a subscriber again. Instead a connection that is
// on an old token is left out by the pool's health check, before it is used, and a subscriber sends AUTH in place (with RESP3).
package entrakeygoredis

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"strings"
	"time"

	"entrakey.invalid/go/entrakey"
	"github.com/redis/go-redis/v9"
	redisauth "github.com/redis/go-redis/v9/auth"
)

// Option changes what Configure does.
type Option func(*client)

// AllowPlaintext sends tokens over connections without TLS that leave this machine too: for a tunnel that encrypts.
func AllowPlaintext() Option { return func(c *client) { c.allowPlaintext = true } }

type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

type credentials = func(ctx context.Context) (username, password string, err error)

// settings are the fields that the options of all kinds of clients have.
type settings struct {
	username, password *string
	provider           *func() (string, string)
	context            *credentials
	streaming          *redisauth.StreamingCredentialsProvider
	dialer             *dialer
	tls                **tls.Config
	timeout            *time.Duration
}

// Configure makes the client of these options authenticate with the provider's tokens.
func Configure(o *redis.Options, provider *entrakey.Provider, options ...Option) error {
	if o == nil {
		return errNothing
	}
	return configure(provider, options, settings{&o.Username, &o.Password, &o.CredentialsProvider, &o.CredentialsProviderContext,
		&o.StreamingCredentialsProvider, &o.Dialer, &o.TLSConfig, &o.DialTimeout})
}

// ConfigureCluster is Configure for redis.NewClusterClient.
func ConfigureCluster(o *redis.ClusterOptions, provider *entrakey.Provider, options ...Option) error {
	if o == nil {
		return errNothing
	}
	return configure(provider, options, settings{&o.Username, &o.Password, &o.CredentialsProvider, &o.CredentialsProviderContext,
		&o.StreamingCredentialsProvider, &o.Dialer, &o.TLSConfig, &o.DialTimeout})
}

// ConfigureRing is Configure for redis.NewRing.
func ConfigureRing(o *redis.RingOptions, provider *entrakey.Provider, options ...Option) error {
	if o == nil {
		return errNothing
	}
	return configure(provider, options, settings{&o.Username, &o.Password, &o.CredentialsProvider, &o.CredentialsProviderContext,
		&o.StreamingCredentialsProvider, &o.Dialer, &o.TLSConfig, &o.DialTimeout})
}

// ConfigureFailover is Configure for redis.NewFailoverClient and redis.NewFailoverClusterClient. The sentinels keep
// SentinelUsername and SentinelPassword, and get no token.
func ConfigureFailover(o *redis.FailoverOptions, provider *entrakey.Provider, options ...Option) error {
	if o == nil {
		return errNothing
	}
	return configure(provider, options, settings{&o.Username, &o.Password, &o.CredentialsProvider, &o.CredentialsProviderContext,
		&o.StreamingCredentialsProvider, &o.Dialer, &o.TLSConfig, &o.DialTimeout})
}

// ConfigureUniversal is Configure for redis.NewUniversalClient.
func ConfigureUniversal(o *redis.UniversalOptions, provider *entrakey.Provider, options ...Option) error {
	if o == nil {
		return errNothing
	}
	return configure(provider, options, settings{&o.Username, &o.Password, &o.CredentialsProvider, &o.CredentialsProviderContext,
		&o.StreamingCredentialsProvider, &o.Dialer, &o.TLSConfig, &o.DialTimeout})
}

var errNothing = errors.New("entrakeygoredis: options and a provider are needed")

func configure(provider *entrakey.Provider, options []Option, s settings) error {
	if provider == nil {
		return errNothing
	}
	c := &client{provider: provider}
	for _, option := range options {
		option(c)
	}
	if dropped := s.drop(); len(dropped) > 0 {
		slog.Warn("entrakeygoredis: the options bring other credentials along, which are not used: " + strings.Join(dropped, ", "))
	}
	c.dial = *s.dialer
	if c.dial == nil {
		c.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			timeout := *s.timeout // as it is when the client dials: it may be set after this
			if timeout == 0 {
				timeout = 5 * time.Second // go-redis's own
			}
			return redis.NewDialer(&redis.Options{DialTimeout: timeout, TLSConfig: *s.tls})(ctx, network, address)
		}
	}
	*s.context = c.credentials
	*s.dialer = c.dialer
	return nil
}

// drop takes other credentials away, and names them.
func (s settings) drop() (dropped []string) {
	for _, other := range []struct {
		name    string
		isThere bool
	}{
		{"Username", *s.username != ""},
		{"Password", *s.password != ""},
		{"CredentialsProvider", *s.provider != nil},
		{"CredentialsProviderContext", *s.context != nil},
		{"StreamingCredentialsProvider", *s.streaming != nil},
	} {
		if other.isThere {
			dropped = append(dropped, other.name)
		}
	}
	*s.username, *s.password, *s.provider, *s.streaming = "", "", nil, nil
	return
}
