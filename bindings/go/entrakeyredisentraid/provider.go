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
	"errors"
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
	var err error
	if p.own() != nil {
		_, err = tokenManager.GetToken(false) // and nothing runs before somebody listens, which would outlive a provider that is dropped
	} else {
		err = p.start()
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't start token manager: %w", err)
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

// inConnect is what this module's own manager has for calls that a client makes while it connects, without a context: during an
// outage only the first of them waits, for entrakey.ConnectTimeout.
type inConnect interface {
	StartInConnect(manager.TokenListener) (manager.StopFunc, error)
	TokenInConnect() (*token.Token, error)
}

type provider struct {
	manager manager.TokenManager

	mutex     sync.Mutex // which nobody holds while a manager is asked
	listeners []auth.CredentialsListener
	stop      manager.StopFunc // nil unless the manager was started
	change    *change          // the start or stop that is under way; nil if none is
}

// change of a manager's state. Others wait for it instead of asking the manager too.
type change struct {
	done    chan struct{}
	isStart bool
	err     error // of a start
}

// own is the manager, if it is this module's.
func (p *provider) own() inConnect {
	own, _ := p.manager.(inConnect)
	return own
}

// start starts the manager, unless it is started. All that call meanwhile share one start, and its failure too.
func (p *provider) start() error {
	for {
		p.mutex.Lock()
		if p.stop != nil {
			p.mutex.Unlock()
			return nil
		}
		under := p.change
		if under == nil {
			under = p.begin(true)
			p.mutex.Unlock()
			p.startNow(under)
			return under.err
		}
		p.mutex.Unlock()
		<-under.done
		if under.isStart {
			return under.err
		}
	}
}

// begin, with the mutex held, begins a change.
func (p *provider) begin(isStart bool) *change {
	p.change = &change{done: make(chan struct{}), isStart: isStart, err: errors.New("the token manager panicked")}
	return p.change
}

func (p *provider) startNow(under *change) {
	var stop manager.StopFunc
	defer func() { p.end(under, stop) }()
	if own := p.own(); own != nil {
		stop, under.err = own.StartInConnect(told{p})
	} else {
		stop, under.err = p.manager.Start(told{p})
	}
}

// end of a change, after which stop stops the manager.
func (p *provider) end(under *change, stop manager.StopFunc) {
	p.mutex.Lock()
	p.stop, p.change = stop, nil
	p.mutex.Unlock()
	close(under.done)
}

// Subscribe gives the present token, and tells the listener of each that follows until it is unsubscribed.
func (p *provider) Subscribe(listener auth.CredentialsListener) (auth.Credentials, auth.UnsubscribeFunc, error) {
	p.add(listener) // first: a token that comes now is told to it
	if err := p.start(); err != nil {
		_ = p.unsubscribe(listener)
		return nil, nil, fmt.Errorf("couldn't start token manager: %w", err)
	}
	current, err := p.current()
	if err != nil {
		_ = p.unsubscribe(listener)
		return nil, nil, fmt.Errorf("couldn't get token: %w", err)
	}
	return current, func() error { return p.unsubscribe(listener) }, nil
}

func (p *provider) current() (*token.Token, error) {
	if own := p.own(); own != nil {
		return own.TokenInConnect()
	}
	return p.manager.GetToken(false)
}

func (p *provider) add(listener auth.CredentialsListener) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if !slices.Contains(p.listeners, listener) {
		p.listeners = append(p.listeners, listener)
	}
}

// unsubscribe stops the manager with its last listener: a provider that is dropped then is collected, which ends its requests.
// One that is not keeps its token fresh. A listener is a connection, and the last one ends too when a server restarts; without
// the token an outage of Entra's would end the client as well.
func (p *provider) unsubscribe(listener auth.CredentialsListener) error {
	p.mutex.Lock()
	before := len(p.listeners)
	p.listeners = slices.DeleteFunc(p.listeners, func(l auth.CredentialsListener) bool { return l == listener })
	stop := p.stop
	if before == 0 || len(p.listeners) > 0 || stop == nil {
		p.mutex.Unlock()
		return nil
	}
	p.stop = nil
	under := p.begin(false)
	p.mutex.Unlock()
	defer p.end(under, nil)
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
