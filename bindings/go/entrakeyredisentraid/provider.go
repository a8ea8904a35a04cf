// Package entraid has the API of github.com/redis/go-redis-entraid, and entrakey does the work: a program changes its imports.
//
//	provider, err := entraid.NewManagedIdentityCredentialsProvider(entraid.ManagedIdentityCredentialsProviderOptions{…})
//	client := redis.NewClient(&redis.Options{Addr: address, TLSConfig: config, StreamingCredentialsProvider: provider})
//
// Tokens are kept fresh for as long as the process lives: nothing gives up after some attempts. What go-redis itself does with a
// StreamingCredentialsProvider stays as it is: go-redis 9.23 panics with it in Watch, in Conn and in fail-over clients when the
// connection is new, and never authenticates a subscriber again. [ProviderOf] leads out of that:
//
//	err := entrakeygoredis.Configure(options, entraid.ProviderOf(provider))
package entraid

import (
	"fmt"
	"slices"
	"sync"

	"entrakey.invalid/go/entrakey"
	"entrakey.invalid/go/entrakeyredisentraid/identity"
	"entrakey.invalid/go/entrakeyredisentraid/manager"
	"entrakey.invalid/go/entrakeyredisentraid/shared"
	"entrakey.invalid/go/entrakeyredisentraid/token"
	"github.com/redis/go-redis/v9/auth"
)

type (
	IdentityProvider               = shared.IdentityProvider
	IdentityProviderResponse       = shared.IdentityProviderResponse
	IdentityProviderResponseParser = shared.IdentityProviderResponseParser
)

// CredentialsProviderOptions are common to all.
type CredentialsProviderOptions struct {
	// ClientID is used if ConfidentialIdentityProviderOptions has none.
	//
	// Deprecated: it belongs into the options of the identity.
	ClientID            string
	TokenManagerOptions manager.TokenManagerOptions
}

// ManagedIdentityCredentialsProviderOptions are those of NewManagedIdentityCredentialsProvider.
type ManagedIdentityCredentialsProviderOptions struct {
	CredentialsProviderOptions
	identity.ManagedIdentityProviderOptions
}

// NewManagedIdentityCredentialsProvider signs in as a managed identity. It waits for the first token.
func NewManagedIdentityCredentialsProvider(options ManagedIdentityCredentialsProviderOptions) (auth.StreamingCredentialsProvider, error) {
	idp, err := identity.NewManagedIdentityProvider(options.ManagedIdentityProviderOptions)
	if err != nil {
		return nil, fmt.Errorf("cannot create managed identity provider: %w", err)
	}
	return managed(idp, options.CredentialsProviderOptions)
}

// ConfidentialCredentialsProviderOptions are those of NewConfidentialCredentialsProvider.
type ConfidentialCredentialsProviderOptions struct {
	CredentialsProviderOptions
	identity.ConfidentialIdentityProviderOptions
}

// NewConfidentialCredentialsProvider signs in as an application. It waits for the first token.
func NewConfidentialCredentialsProvider(options ConfidentialCredentialsProviderOptions) (auth.StreamingCredentialsProvider, error) {
	if options.ConfidentialIdentityProviderOptions.ClientID == "" {
		options.ConfidentialIdentityProviderOptions.ClientID = options.CredentialsProviderOptions.ClientID
	}
	idp, err := identity.NewConfidentialIdentityProvider(options.ConfidentialIdentityProviderOptions)
	if err != nil {
		return nil, fmt.Errorf("cannot create confidential identity provider: %w", err)
	}
	return managed(idp, options.CredentialsProviderOptions)
}

// DefaultAzureCredentialsProviderOptions are those of NewDefaultAzureCredentialsProvider.
type DefaultAzureCredentialsProviderOptions struct {
	CredentialsProviderOptions
	identity.DefaultAzureIdentityProviderOptions
}

// NewDefaultAzureCredentialsProvider signs in as the first identity that is there. It waits for the first token.
func NewDefaultAzureCredentialsProvider(options DefaultAzureCredentialsProviderOptions) (auth.StreamingCredentialsProvider, error) {
	idp, err := identity.NewDefaultAzureIdentityProvider(options.DefaultAzureIdentityProviderOptions)
	if err != nil {
		return nil, fmt.Errorf("cannot create default azure identity provider: %w", err)
	}
	return managed(idp, options.CredentialsProviderOptions)
}

func managed(idp shared.IdentityProvider, options CredentialsProviderOptions) (auth.StreamingCredentialsProvider, error) {
	tokenManager, err := manager.NewTokenManager(idp, options.TokenManagerOptions)
	if err != nil {
		return nil, fmt.Errorf("cannot create token manager: %w", err)
	}
	provider, err := NewCredentialsProvider(tokenManager, options)
	if err != nil {
		return nil, fmt.Errorf("cannot create credentials provider: %w", err)
	}
	return provider, nil
}

// NewCredentialsProvider gives a manager's tokens to go-redis. It waits for the first one.
func NewCredentialsProvider(tokenManager manager.TokenManager, _ CredentialsProviderOptions) (auth.StreamingCredentialsProvider, error) {
	p := &provider{manager: tokenManager}
	if err := p.start(); err != nil {
		return nil, err
	}
	return p, nil
}

// ProviderOf is the provider behind what a function of this package has made; nil if a token manager of the program's own is
// behind it, or a parser.
func ProviderOf(streaming auth.StreamingCredentialsProvider) *entrakey.Provider {
	if p, ok := streaming.(*provider); ok {
		if behind, ok := p.manager.(interface{ Provider() *entrakey.Provider }); ok {
			return behind.Provider()
		}
	}
	return nil
}

type provider struct {
	manager manager.TokenManager

	starting sync.Mutex // before mutex
	stop     manager.StopFunc

	mutex     sync.Mutex
	listeners []auth.CredentialsListener
}

func (p *provider) start() error {
	p.starting.Lock()
	defer p.starting.Unlock()
	if p.stop != nil {
		return nil
	}
	stop, err := p.manager.Start(told{p})
	if err != nil {
		return fmt.Errorf("couldn't start token manager: %w", err)
	}
	p.stop = stop
	return nil
}

// Subscribe gives the present token, and tells the listener of each that follows until it is unsubscribed.
func (p *provider) Subscribe(listener auth.CredentialsListener) (auth.Credentials, auth.UnsubscribeFunc, error) {
	p.add(listener) // first: a token that comes now is told to it
	if err := p.start(); err != nil {
		_ = p.unsubscribe(listener)
		return nil, nil, err
	}
	current, err := p.manager.GetToken(false)
	if err != nil {
		_ = p.unsubscribe(listener)
		return nil, nil, fmt.Errorf("couldn't get token: %w", err)
	}
	return current, func() error { return p.unsubscribe(listener) }, nil
}

func (p *provider) add(listener auth.CredentialsListener) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if !slices.Contains(p.listeners, listener) {
		p.listeners = append(p.listeners, listener)
	}
}

// unsubscribe stops the manager with its last listener, so that clients which are closed leave nothing behind.
func (p *provider) unsubscribe(listener auth.CredentialsListener) error {
	p.starting.Lock()
	defer p.starting.Unlock()
	p.mutex.Lock()
	before := len(p.listeners)
	p.listeners = slices.DeleteFunc(p.listeners, func(l auth.CredentialsListener) bool { return l == listener })
	isLast := before > 0 && len(p.listeners) == 0
	p.mutex.Unlock()
	if !isLast || p.stop == nil {
		return nil
	}
	stop := p.stop
	p.stop = nil
	if err := stop(); err != nil {
		return fmt.Errorf("couldn't cancel token manager: %w", err)
	}
	return nil
}

// told is what the manager tells: a listener may unsubscribe meanwhile, so no lock is held.
type told struct{ *provider }

func (t told) each(tell func(auth.CredentialsListener)) {
	t.mutex.Lock()
	listeners := slices.Clone(t.listeners)
	t.mutex.Unlock()
	for _, listener := range listeners {
		tell(listener)
	}
}

func (t told) OnNext(next *token.Token) {
	t.each(func(l auth.CredentialsListener) { l.OnNext(next) })
}

func (t told) OnError(err error) {
	t.each(func(l auth.CredentialsListener) { l.OnError(err) })
}
