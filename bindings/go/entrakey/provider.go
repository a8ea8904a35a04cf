package entrakey

import (
	"context"
	"encoding/json"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"entrakey.invalid/go/entrakey/internal/native"
)

// ConnectTimeout is how long a client that is inside its own connect should wait for a token, with
// [Provider.TokenForConnect]: clients give a connect a few seconds and try again by themselves.
const ConnectTimeout = 5 * time.Second

// Provider supplies the access tokens of one identity and keeps them fresh in the background, from the first token on.
type Provider struct {
	native   *handle
	identity *identity
	events   *handle // nil without a logger
	last     atomic.Pointer[Token]
	// One goroutine at a time is inside each of the library's two waits, however many callers there are: a wait holds a thread.
	patient, impatient flights
}

// New makes a provider from a configuration and the environment, which is read now and never again. It does no network I/O.
func New(config Config) (*Provider, error) {
	if err := native.Load(); err != nil {
		return nil, err
	}
	provider := &Provider{identity: &identity{}}
	made := native.ConfigNew()
	defer native.ConfigFree(made)
	if err := config.apply(made, provider.identity); err != nil {
		return nil, err
	}
	object, failure := native.ProviderNew(made)
	if failure != nil {
		return nil, failed(failure)
	}
	provider.native = newHandle(object, native.ProviderFree)
	closeWith(provider, provider.native)
	provider.patient.fetch = fetching(provider.native, native.ProviderGetToken)
	provider.impatient.fetch = fetching(provider.native, native.ProviderGetTokenNoWait)
	if config.Logger != nil {
		if err := provider.log(config.Logger); err != nil {
			provider.Close()
			return nil, err
		}
	}
	return provider, nil
}

// fetching holds the handle and not the provider, so that a wait keeps no provider from being collected.
func fetching(h *handle, get func(native.Handle, uint64) (*native.Token, *native.Failure)) func(time.Duration) (*Token, error) {
	return func(timeout time.Duration) (*Token, error) {
		if !h.enter() {
			return nil, closed("provider")
		}
		defer h.leave()
		token, failure := get(h.object, uint64(timeout.Milliseconds()))
		if failure != nil {
			return nil, failed(failure)
		}
		return newToken(token), nil
	}
}

// Token gives a valid token from memory, or else from the source. In the second case it waits, through failures that pass, for
// the configured GetTokenTimeout at most, or until ctx ends: then the error is ctx's. Any number of callers cause one request.
func (p *Provider) Token(ctx context.Context) (*Token, error) {
	return p.token(ctx, &p.patient, 0)
}

// TokenForConnect is Token for hooks that a client calls again and again while it connects: it waits for [ConnectTimeout] at
// most, and during an outage only the first call waits. The others fail at once with what the source said last.
func (p *Provider) TokenForConnect(ctx context.Context) (*Token, error) {
	return p.token(ctx, &p.impatient, ConnectTimeout)
}

func (p *Provider) token(ctx context.Context, waits *flights, timeout time.Duration) (*Token, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !p.native.enter() {
		return nil, closed("provider")
	}
	var token *Token
	if p.last.Load() != nil && !waits.isWaiting() { // else there is nothing to be had without waiting
		token = p.usable()
	}
	p.native.leave()
	if token != nil {
		return token, nil
	}
	if asks(ctx, p) {
		return nil, &Error{Kind: ErrInvalidArgument, Message: "the token source asked its own provider for a token, which would wait for the token source."}
	}
	token, err := waits.join(ctx, timeout)
	if err == nil {
		p.last.Store(token)
	}
	return token, err
}

// usable is the token that the library would hand out now, without waiting. Whether it may be, and which one, the library
// decides each time; what is kept here only saves another copy of the same token. A source that repeats itself may say another
// expiry: that is the same version.
func (p *Provider) usable() *Token {
	version, expires, failure := native.ProviderUsable(p.native.object)
	if failure != nil {
		return nil
	}
	if last := p.last.Load(); last != nil && last.Version() == version && last.content().ExpiresUnixMilli == expires {
		return last
	}
	token := newToken(native.ProviderCurrent(p.native.object))
	if token != nil {
		p.last.Store(token)
	}
	return token
}

// Current is the token in memory if it is still valid, however little is left of it; else nil. It never waits and never causes
// a request.
func (p *Provider) Current() *Token {
	if !p.native.enter() {
		return nil
	}
	defer p.native.leave()
	return newToken(native.ProviderCurrent(p.native.object))
}

// Version is the newest token's; 0 before the first one and after Close. It is cheap: compare it before each command.
func (p *Provider) Version() uint64 {
	if !p.native.enter() {
		return 0
	}
	version := native.ProviderVersion(p.native.object)
	p.native.leave()
	return version
}

// ReauthIn is how long a connection on the token of this version may wait before it authenticates again: until a newer token is
// due, if there is none, and then up to a random moment inside what ReauthSpread allows, well before its token expires. Each call
// draws anew, so call it once for each connection and token: the moment of a [Watch] is one for all of its connections. It is 0
// for a token that should be left at once, and after Close.
func (p *Provider) ReauthIn(version uint64) time.Duration {
	if !p.native.enter() {
		return 0
	}
	defer p.native.leave()
	return native.ProviderReauthIn(p.native.object, version)
}

// Ready waits until Token would answer from memory: for health checks at start-up. It fails as Token does.
func (p *Provider) Ready(ctx context.Context) error {
	_, err := p.Token(ctx)
	return err
}

// Refresh asks for a new token soon, whatever is left of the current one: for when a secret was replaced. It never waits, and
// calling it often does no harm.
func (p *Provider) Refresh() error {
	if !p.native.enter() {
		return closed("provider")
	}
	defer p.native.leave()
	return failed(native.ProviderRefresh(p.native.object))
}

// Rejection is why a server probably refused a token. It holds ids and no secret.
type Rejection struct {
	Reason      string // "no_access_policy" for example; "not_a_refusal" if the message says nothing of the token
	Explanation string // who the token was for, and what to do
}

// ReportRejected tells the provider what a server answered to an AUTH with the token of this version, and gives an explanation.
// If another token could help, the provider asks for one in the background. It never waits.
func (p *Provider) ReportRejected(version uint64, message string) (Rejection, error) {
	if !p.native.enter() {
		return Rejection{}, closed("provider")
	}
	defer p.native.leave()
	return explained(native.ProviderReportRejected(p.native.object, version, message))
}

func explained(rejection *native.Rejection, failure *native.Failure) (Rejection, error) {
	if failure != nil || rejection == nil {
		return Rejection{}, failed(failure)
	}
	return Rejection(*rejection), nil
}

// Status is what the provider is doing now, as one JSON object: state, readiness, validity left, next refresh, last error, clock
// skew, connections, counters. docs/operation.md describes it. It holds no secret, and causes no request.
func (p *Provider) Status() (json.RawMessage, error) {
	if !p.native.enter() {
		return nil, closed("provider")
	}
	defer p.native.leave()
	status, failure := native.ProviderStatus(p.native.object)
	if failure != nil {
		return nil, failed(failure)
	}
	return json.RawMessage(status), nil
}

// WriteMetrics writes the metrics of these providers for Prometheus, as OpenMetrics; the configuration's Name tells them apart. Pass all of a
// process's in one call, because a page must not describe a metric twice. A provider that was closed has none.
func WriteMetrics(w io.Writer, providers ...*Provider) error {
	var objects []native.Handle
	for _, provider := range providers {
		if provider.native.enter() {
			defer provider.native.leave()
			objects = append(objects, provider.native.object)
		}
	}
	if len(objects) == 0 {
		return nil
	}
	page, _, failure := native.Metrics(objects)
	if failure != nil {
		return failed(failure)
	}
	_, err := io.WriteString(w, page)
	return err
}

// MetricsContentType is the Content-Type of what WriteMetrics writes.
const MetricsContentType = "application/openmetrics-text; version=1.0.0; charset=utf-8"

// Close ends the background work and forgets the token. Calls that wait fail with [ErrClosed], and so do later ones. It does
// not wait; a second call does nothing.
func (p *Provider) Close() error {
	if p.native.enter() {
		native.ProviderClose(p.native.object)
		p.native.leave()
	}
	p.native.close()
	if p.events != nil {
		p.events.close()
	}
	p.last.Store(nil)
	runtime.KeepAlive(p)
	return nil
}
