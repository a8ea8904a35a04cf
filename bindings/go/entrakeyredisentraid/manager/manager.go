package manager

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"entrakey.invalid/go/entrakey"
	"entrakey.invalid/go/entrakeyredisentraid/identity"
	"entrakey.invalid/go/entrakeyredisentraid/shared"
	"entrakey.invalid/go/entrakeyredisentraid/token"
)

// NewTokenManager makes a manager. It asks for nothing yet.
func NewTokenManager(idp shared.IdentityProvider, options TokenManagerOptions) (TokenManager, error) {
	if options.ExpirationRefreshRatio < 0 || options.ExpirationRefreshRatio > 1 {
		return nil, errors.New("expiration refresh ratio must be between 0 and 1")
	}
	if idp == nil {
		return nil, errors.New("identity provider is required")
	}
	m := &tokenManager{}
	config := m.source(idp, options.IdentityProviderResponseParser)
	options.apply(&config)
	provider, err := entrakey.New(config)
	if err != nil {
		return nil, err
	}
	m.provider = provider
	return m, nil
}

type tokenManager struct {
	provider *entrakey.Provider
	parsed   *parsed // nil if entrakey reads the tokens itself

	mutex   sync.Mutex
	last    *token.Token
	version uint64          // of last
	watch   *entrakey.Watch // nil unless it was started
}

// source is where tokens come from. This module's own identities are entrakey's; a type that embeds one of them has a
// RequestToken of its own, perhaps.
func (m *tokenManager) source(idp shared.IdentityProvider, parser shared.IdentityProviderResponseParser) entrakey.Config {
	if parser == nil {
		switch own := idp.(type) {
		case *identity.ManagedIdentityProvider:
			return own.Config()
		case *identity.ConfidentialIdentityProvider:
			return own.Config()
		case *identity.DefaultAzureIdentityProvider:
			return own.Config()
		}
		return entrakey.Config{TokenSource: func(ctx context.Context, _ string) (entrakey.AccessToken, error) {
			response, err := idp.RequestToken(ctx)
			if err != nil {
				return entrakey.AccessToken{}, err
			}
			return read(response)
		}}
	}
	m.parsed = &parsed{}
	// The parser says whose token it is, and the token need not.
	return entrakey.Config{Username: "parser", TokenSource: func(ctx context.Context, _ string) (entrakey.AccessToken, error) {
		response, err := idp.RequestToken(ctx)
		if err != nil {
			return entrakey.AccessToken{}, err
		}
		read, err := parser.ParseResponse(response)
		if err != nil {
			return entrakey.AccessToken{}, fmt.Errorf("failed to parse token: %w", err)
		}
		if read == nil {
			return entrakey.AccessToken{}, errors.New("failed to get token: token is nil")
		}
		return m.parsed.add(read), nil
	}}
}

// read is what entrakey has to know of an answer; the rest is in the token.
func read(response shared.IdentityProviderResponse) (entrakey.AccessToken, error) {
	if response == nil {
		return entrakey.AccessToken{}, errors.New("identity provider response cannot be nil")
	}
	switch response.Type() {
	case shared.ResponseTypeAuthResult:
		if with, ok := response.(shared.AuthResultIDPResponse); ok {
			result, err := with.AuthResult()
			if result.IDToken.RawToken == "" && err == nil {
				return entrakey.AccessToken{Secret: result.AccessToken, ExpiresAt: result.ExpiresOn}, nil
			}
			return entrakey.AccessToken{Secret: result.IDToken.RawToken, ExpiresAt: result.ExpiresOn}, err
		}
	case shared.ResponseTypeAccessToken:
		if with, ok := response.(shared.AccessTokenIDPResponse); ok {
			result, err := with.AccessToken()
			return entrakey.AccessToken{Secret: result.Token, ExpiresAt: result.ExpiresOn}, err
		}
	case shared.ResponseTypeRawToken:
		secret, err := response.RawToken()
		return entrakey.AccessToken{Secret: secret}, err
	}
	return entrakey.AccessToken{}, fmt.Errorf("unsupported response type: %s", response.Type())
}

// Provider is entrakey's, for adapters that do more than go-redis; nil if a parser of the program's own says what tokens mean.
func (m *tokenManager) Provider() *entrakey.Provider {
	if m.parsed != nil {
		return nil
	}
	return m.provider
}

func (m *tokenManager) GetToken(forceRefresh bool) (*token.Token, error) {
	if forceRefresh {
		if err := m.provider.Refresh(); err != nil {
			return nil, err
		}
	}
	return m.token(m.provider.Token) // which has a limit of its own
}

// TokenInConnect is GetToken for a client that connects: during an outage only the first call waits, and the others fail at
// once with what the source said last.
func (m *tokenManager) TokenInConnect() (*token.Token, error) {
	return m.token(m.provider.TokenForConnect)
}

func (m *tokenManager) token(get func(context.Context) (*entrakey.Token, error)) (*token.Token, error) {
	current, err := get(context.Background())
	if err != nil {
		return nil, err
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.version != current.Version() {
		m.last, m.version = m.made(current), current.Version()
	}
	return m.last, nil
}

func (m *tokenManager) made(from *entrakey.Token) *token.Token {
	if m.parsed != nil {
		if known := m.parsed.find(from.Secret()); known != nil {
			return known
		}
	}
	now := time.Now()
	return token.New(from.Username(), from.Secret(), from.Secret(), from.ExpiresAt(), now, from.ExpiresAt().Sub(now).Milliseconds())
}

func (m *tokenManager) Start(listener TokenListener) (StopFunc, error) {
	return m.start(listener, m.provider.Token)
}

// StartInConnect is Start with TokenInConnect.
func (m *tokenManager) StartInConnect(listener TokenListener) (StopFunc, error) {
	return m.start(listener, m.provider.TokenForConnect)
}

func (m *tokenManager) start(listener TokenListener, get func(context.Context) (*entrakey.Token, error)) (StopFunc, error) {
	if listener == nil {
		return nil, errors.New("a listener is required")
	}
	m.mutex.Lock()
	isStarted := m.watch != nil
	m.mutex.Unlock()
	if isStarted {
		return nil, ErrTokenManagerAlreadyStarted
	}
	if _, err := m.token(get); err != nil {
		return nil, fmt.Errorf("failed to get token: %w", err)
	}
	watch, err := m.provider.Watch()
	if err != nil {
		return nil, err
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.watch != nil { // meanwhile
		_ = watch.Close()
		return nil, ErrTokenManagerAlreadyStarted
	}
	m.watch = watch
	go m.follow(watch, listener)
	return func() error { return m.stop(watch) }, nil
}

func (m *tokenManager) stop(watch *entrakey.Watch) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.watch != watch {
		return ErrTokenManagerAlreadyStopped
	}
	m.watch = nil
	return watch.Close() // which ends follow
}

func (m *tokenManager) follow(watch *entrakey.Watch, listener TokenListener) {
	for {
		version, err := watch.Wait(context.Background())
		if err != nil {
			return // it was stopped
		}
		next, err := m.GetToken(false)
		if err != nil {
			continue // the next token is news again
		}
		listener.OnNext(next)
		watch.Ack(version, true)
	}
}

// parsed are the tokens that a parser made, by the secrets that entrakey keeps. It keeps one, and may be about to take another.
type parsed struct {
	mutex  sync.Mutex
	tokens []*token.Token
}

func (p *parsed) add(t *token.Token) entrakey.AccessToken {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.tokens = append(p.tokens, t)
	if len(p.tokens) > 4 {
		p.tokens = p.tokens[1:]
	}
	_, password := t.BasicAuth()
	return entrakey.AccessToken{Secret: password, ExpiresAt: t.ExpirationOn()}
}

func (p *parsed) find(secret string) *token.Token {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for i := len(p.tokens) - 1; i >= 0; i-- {
		if _, password := p.tokens[i].BasicAuth(); password == secret {
			return p.tokens[i]
		}
	}
	return nil
}
