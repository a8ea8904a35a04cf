// Package entrakeyrueidis lets rueidis authenticate with tokens of a provider, and keeps its connections authenticated.
//
//	option := rueidis.ClientOption{InitAddress: []string{"cache:10000"}, TLSConfig: &tls.Config{}}
//	err := entrakeyrueidis.Configure(&option, provider)
//	client, err := rueidis.NewClient(option)
//
// rueidis itself sends AUTH again on its connections, at a time that it asks us for.
package entrakeyrueidis

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"strings"
	"time"

	"entrakey.invalid/go/entrakey"
	"entrakey.invalid/go/entrakey/adapter"
	"github.com/redis/rueidis"
)

// lifetime of connections that speak RESP2, if the options have none. At least three times as long is left of a token of an hour
// when its successor comes.
const lifetime = 5 * time.Minute

// Option changes what Configure does.
type Option func(*adapter.Client)

// AllowPlaintext sends tokens over connections without TLS that leave this machine too: for a tunnel that encrypts.
func AllowPlaintext() Option { return func(c *adapter.Client) { c.AllowPlaintext = true } }

// RefusedError is why a server does not take a token when rueidis connects.
type RefusedError = adapter.RefusedError

// Configure makes the client of these options authenticate with the provider's tokens. It refuses options with a Sentinel, to
// which rueidis would send them too.
//
// With AlwaysRESP2 a subscriber cannot authenticate again, so connections live for ConnLifetime, which is set to 5 minutes if it
// is not set: it must be shorter than what is left of a token when its successor comes.
func Configure(option *rueidis.ClientOption, provider *entrakey.Provider, options ...Option) error {
	if option == nil || provider == nil {
		return errors.New("entrakeyrueidis: options and a provider are needed")
	}
	if option.Sentinel.MasterSet != "" {
		return errors.New("entrakeyrueidis: rueidis would send the token to the sentinels too, so Sentinel is not supported: use go-redis with entrakeygoredis")
	}
	client := &adapter.Client{Provider: provider, RESP2: option.AlwaysRESP2,
		Remedy: "set TLSConfig, or use a rediss:// address (entrakeyrueidis.AllowPlaintext permits it, for a tunnel that encrypts)"}
	for _, o := range options {
		o(client)
	}
	if dropped := drop(option); len(dropped) > 0 {
		slog.Warn("entrakeyrueidis: the options bring other credentials along, which are not used: " + strings.Join(dropped, ", "))
	}
	if client.RESP2 && option.ConnLifetime == 0 {
		option.ConnLifetime = lifetime
	}
	dial := dialOf(option)
	option.DialFn = nil
	option.DialCtxFn = func(ctx context.Context, address string, dialer *net.Dialer, config *tls.Config) (net.Conn, error) {
		connection, err := dial(ctx, address, dialer, config)
		if err != nil {
			return nil, err
		}
		return client.Connection(connection, address), nil
	}
	option.AuthCredentialsFn = func(of rueidis.AuthCredentialsContext) (rueidis.AuthCredentials, error) {
		credentials, err := client.Credentials(of.Address)
		return rueidis.AuthCredentials(credentials), err
	}
	return nil
}

func drop(option *rueidis.ClientOption) (dropped []string) {
	for _, credential := range []struct {
		name  string
		isSet bool
	}{
		{"Username", option.Username != ""}, {"Password", option.Password != ""}, {"AuthCredentialsFn", option.AuthCredentialsFn != nil},
	} {
		if credential.isSet {
			dropped = append(dropped, credential.name)
		}
	}
	option.Username, option.Password = "", ""
	return
}

type dial = func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error)

// dialOf is how rueidis would dial.
func dialOf(option *rueidis.ClientOption) dial {
	if option.DialCtxFn != nil {
		return option.DialCtxFn
	}
	if simple := option.DialFn; simple != nil {
		return func(_ context.Context, address string, dialer *net.Dialer, config *tls.Config) (net.Conn, error) {
			return simple(address, dialer, config)
		}
	}
	return func(ctx context.Context, address string, dialer *net.Dialer, config *tls.Config) (net.Conn, error) {
		if config == nil {
			return dialer.DialContext(ctx, "tcp", address)
		}
		return (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext(ctx, "tcp", address)
	}
}
