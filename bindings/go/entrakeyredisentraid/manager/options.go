// Package manager is go-redis-entraid's package of that name: it keeps a token fresh. entrakey does that.
package manager

import (
	"errors"
	"time"

	"entrakey.invalid/go/entrakey"
	"entrakey.invalid/go/entrakeyredisentraid/shared"
	"entrakey.invalid/go/entrakeyredisentraid/token"
)

// The original's defaults. Where it matters entrakey's own are used: it has no limit on attempts.
const (
	DefaultExpirationRefreshRatio        = 0.7
	DefaultRetryOptionsMaxAttempts       = 3
	DefaultRetryOptionsBackoffMultiplier = 2.0
	DefaultRetryOptionsInitialDelay      = time.Second
	DefaultRetryOptionsMaxDelay          = 10 * time.Second
	DefaultRequestTimeout                = 30 * time.Second
	RefreshRationPrecision               = 10000
)

var (
	// ErrTokenManagerAlreadyStopped is what a StopFunc says the second time.
	ErrTokenManagerAlreadyStopped = errors.New("token manager already stopped")
	// ErrTokenManagerAlreadyStarted is what Start says the second time.
	ErrTokenManagerAlreadyStarted = errors.New("token manager already started")
)

// TokenManagerOptions are those of NewTokenManager. What is zero is entrakey's own default.
type TokenManagerOptions struct {
	// ExpirationRefreshRatio is the share of a token's validity after which another one is asked for.
	ExpirationRefreshRatio float64
	// LowerRefreshBound is how long before its expiry at the latest; less than entrakey's own five minutes is raised to them.
	LowerRefreshBound time.Duration
	// IdentityProviderResponseParser reads tokens out of answers that are no JWTs of Entra's.
	IdentityProviderResponseParser shared.IdentityProviderResponseParser
	RetryOptions                   RetryOptions
	// RequestTimeout is the most one request may take.
	RequestTimeout time.Duration
}

const (
	margin                 = 3 * time.Minute // entrakey's own, for connections to authenticate again
	lowerBound             = 5 * time.Minute // entrakey's own
	leastInitial, leastMax = 100 * time.Millisecond, 250 * time.Millisecond
)

// apply sets what is set. Values that are too small to be kept are raised.
func (o *TokenManagerOptions) apply(config *entrakey.Config) {
	if o.ExpirationRefreshRatio != 0 {
		config.RefreshRatio = &o.ExpirationRefreshRatio
	}
	if least := max(lowerBound, margin+o.RequestTimeout); o.LowerRefreshBound > least || least > lowerBound {
		config.RefreshLowerBound = max(o.LowerRefreshBound, least)
	}
	config.RequestTimeout = o.RequestTimeout
	if o.RetryOptions.InitialDelay != 0 {
		config.RetryInitial = max(o.RetryOptions.InitialDelay, leastInitial)
	}
	if o.RetryOptions.MaxDelay != 0 {
		config.RetryMax = max(o.RetryOptions.MaxDelay, config.RetryInitial, leastMax)
	}
}

// RetryOptions say how a request that failed is repeated. entrakey never gives up: it repeats one until there is a token, with
// waits that double, and fewer requests when it was refused.
type RetryOptions struct {
	// IsRetryable is not used.
	IsRetryable func(err error) bool
	// MaxAttempts is not used.
	MaxAttempts int
	// InitialDelay is the least wait.
	InitialDelay time.Duration
	// MaxDelay is the longest wait.
	MaxDelay time.Duration
	// BackoffMultiplier is not used.
	BackoffMultiplier float64
}

// TokenManager keeps a token fresh.
type TokenManager interface {
	// GetToken gives a valid token. With forceRefresh another one is asked for in the background.
	GetToken(forceRefresh bool) (*token.Token, error)
	// Start waits for the first token and then tells the listener of each that follows.
	Start(listener TokenListener) (StopFunc, error)
}

// StopFunc ends what Start began.
type StopFunc func() error

// TokenListener is told of tokens.
type TokenListener interface {
	OnNext(t *token.Token)
	// OnError is told of the end. A request that fails is none: entrakey goes on asking, and the token in memory is good
	// for as long as it is valid.
	OnError(err error)
}
