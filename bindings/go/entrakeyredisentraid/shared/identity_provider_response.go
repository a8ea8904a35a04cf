// Package shared is go-redis-entraid's package of that name: what sources of tokens answer.
package shared

import (
	"context"
	"errors"
	"fmt"

	"entrakey.invalid/go/entrakeyredisentraid/token"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

// The types of an answer.
const (
	ResponseTypeAuthResult  = "AuthResult"  // of the Microsoft Authentication Library
	ResponseTypeAccessToken = "AccessToken" // of the Azure SDK
	ResponseTypeRawToken    = "RawToken"    // a string
)

var (
	ErrInvalidIDPResponse     = errors.New("invalid identity provider response")
	ErrInvalidIDPResponseType = errors.New("invalid identity provider response type")
	ErrAuthResultNotFound     = errors.New("auth result not found")
	ErrAccessTokenNotFound    = errors.New("access token not found")
	ErrRawTokenNotFound       = errors.New("raw token not found")
)

// IdentityProvider is a source of tokens.
type IdentityProvider interface {
	RequestToken(ctx context.Context) (IdentityProviderResponse, error)
}

// IdentityProviderResponseParser reads a token out of an answer.
type IdentityProviderResponseParser interface {
	ParseResponse(response IdentityProviderResponse) (*token.Token, error)
}

// IdentityProviderResponse is an answer.
type IdentityProviderResponse interface {
	// Type is one of ResponseTypeAuthResult, ResponseTypeAccessToken and ResponseTypeRawToken.
	Type() string
	// RawToken is the token itself; ErrRawTokenNotFound without one.
	RawToken() (string, error)
}

// AuthResultIDPResponse is an answer that may be an AuthResult; else ErrAuthResultNotFound.
type AuthResultIDPResponse interface {
	IdentityProviderResponse
	AuthResult() (public.AuthResult, error)
}

// AccessTokenIDPResponse is an answer that may be an AccessToken; else ErrAccessTokenNotFound.
type AccessTokenIDPResponse interface {
	IdentityProviderResponse
	AccessToken() (azcore.AccessToken, error)
}

// RawTokenIDPResponse is an answer with a RawToken.
type RawTokenIDPResponse interface {
	IdentityProviderResponse
}

// NewIDPResponse makes an answer of this type from a value or a pointer to one.
func NewIDPResponse(responseType string, result any) (IdentityProviderResponse, error) {
	r := &response{responseType: responseType}
	switch responseType {
	case ResponseTypeAuthResult:
		return made(r, result, &r.authResult, nil)
	case ResponseTypeAccessToken:
		return made(r, result, &r.accessToken, func(t azcore.AccessToken) string { return t.Token })
	case ResponseTypeRawToken:
		return made(r, result, &r.text, func(text string) string { return text })
	}
	return nil, fmt.Errorf("%w: %q, which is none of %q, %q, %q", ErrInvalidIDPResponseType, responseType,
		ResponseTypeAuthResult, ResponseTypeAccessToken, ResponseTypeRawToken)
}

// made puts a result into its place of an answer.
func made[T any](r *response, result any, place **T, raw func(T) string) (IdentityProviderResponse, error) {
	switch value := result.(type) {
	case T:
		*place = &value
	case *T:
		*place = value
	default: // whose value may be a secret
		return nil, fmt.Errorf("%w: %s needs a %T, and this is a %T", ErrInvalidIDPResponse, r.responseType, *new(T), result)
	}
	if *place == nil {
		return nil, fmt.Errorf("%w: the %s is nil", ErrInvalidIDPResponse, r.responseType)
	}
	if raw != nil {
		r.raw = raw(**place)
	}
	return r, nil
}

type response struct {
	responseType string
	authResult   *public.AuthResult
	accessToken  *azcore.AccessToken
	text         *string
	raw          string
}

func (r *response) Type() string { return r.responseType }

func (r *response) AuthResult() (public.AuthResult, error) {
	if r.authResult == nil {
		return public.AuthResult{}, ErrAuthResultNotFound
	}
	return *r.authResult, nil
}

func (r *response) AccessToken() (azcore.AccessToken, error) {
	if r.accessToken == nil {
		return azcore.AccessToken{}, ErrAccessTokenNotFound
	}
	return *r.accessToken, nil
}

func (r *response) RawToken() (string, error) {
	if r.raw == "" {
		return "", ErrRawTokenNotFound
	}
	return r.raw, nil
}

// Format shows no secret.
func (r *response) Format(state fmt.State, _ rune) {
	_, _ = fmt.Fprintf(state, "IdentityProviderResponse(%s, secret [redacted])", r.responseType)
}
