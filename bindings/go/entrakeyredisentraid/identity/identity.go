// Package identity is go-redis-entraid's package of that name: who a program signs in as. entrakey does that.
package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"entrakey.invalid/go/entrakey"
	"entrakey.invalid/go/entrakeyredisentraid/shared"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

const (
	// SystemAssignedIdentity is the machine's own managed identity.
	SystemAssignedIdentity = "SystemAssigned"
	// UserAssignedIdentity is one that was assigned to the machine.
	UserAssignedIdentity = "UserAssigned"

	ClientSecretCredentialType      = "ClientSecret"
	ClientCertificateCredentialType = "ClientCertificate"

	// RedisScopeDefault is the scope if none is given.
	RedisScopeDefault = "https://redis.azure.com/.default"
	// RedisResource is the same as a resource.
	RedisResource = "https://redis.azure.com"
)

// source asks entrakey for tokens.
type source struct {
	config       entrakey.Config
	responseType string

	once     sync.Once
	provider *entrakey.Provider
	failed   error
}

// Config is what the identity means to entrakey.
func (s *source) Config() entrakey.Config { return s.config }

// RequestToken gives a valid token: the one in memory, or a new one.
func (s *source) RequestToken(ctx context.Context) (shared.IdentityProviderResponse, error) {
	s.once.Do(func() { s.provider, s.failed = entrakey.New(s.config) })
	if s.failed != nil {
		return nil, s.failed
	}
	token, err := s.provider.Token(ctx)
	if err != nil {
		return nil, err
	}
	if s.responseType == shared.ResponseTypeAccessToken {
		return shared.NewIDPResponse(s.responseType, azcore.AccessToken{Token: token.Secret(), ExpiresOn: token.ExpiresAt()})
	}
	result := public.AuthResult{AccessToken: token.Secret(), ExpiresOn: token.ExpiresAt()}
	result.IDToken.RawToken, result.IDToken.Oid = token.Secret(), token.Username() // where go-redis-entraid's parser looks
	return shared.NewIDPResponse(s.responseType, result)
}

// scope is entrakey's of a list, whose entries may be resources.
func scope(scopes []string) (string, error) {
	switch {
	case len(scopes) == 0:
		return "", nil
	case len(scopes) > 1:
		return "", fmt.Errorf("a token for Redis has one scope, and Scopes has %d: %s", len(scopes), strings.Join(scopes, ", "))
	case strings.HasSuffix(scopes[0], "/.default"):
		return scopes[0], nil
	}
	return strings.TrimSuffix(scopes[0], "/") + "/.default", nil
}

// ManagedIdentityProviderOptions are those of NewManagedIdentityProvider.
type ManagedIdentityProviderOptions struct {
	// UserAssignedClientID is the client id, for UserAssignedIdentity.
	UserAssignedClientID string
	// ManagedIdentityType is SystemAssignedIdentity or UserAssignedIdentity.
	ManagedIdentityType string
	// Scopes holds the scope or the resource, if it is not RedisScopeDefault.
	Scopes []string
}

// ManagedIdentityProvider is a managed identity.
type ManagedIdentityProvider struct{ source }

// NewManagedIdentityProvider makes one.
func NewManagedIdentityProvider(opts ManagedIdentityProviderOptions) (*ManagedIdentityProvider, error) {
	config := entrakey.Config{Identity: "managed_identity"}
	switch opts.ManagedIdentityType {
	case SystemAssignedIdentity:
	case UserAssignedIdentity:
		if opts.UserAssignedClientID == "" {
			return nil, errors.New("user assigned client ID is required when using user assigned identity")
		}
		config.ClientID = opts.UserAssignedClientID
	default:
		return nil, fmt.Errorf("invalid managed identity type %q: set ManagedIdentityType to %q or %q", opts.ManagedIdentityType,
			SystemAssignedIdentity, UserAssignedIdentity)
	}
	var err error
	config.Scope, err = scope(opts.Scopes)
	if err != nil {
		return nil, err
	}
	return &ManagedIdentityProvider{source{config: config, responseType: shared.ResponseTypeAuthResult}}, nil
}
