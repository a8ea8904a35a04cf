package entraid_test

// Programs as they are written against go-redis-entraid: nothing but the imports says that it is another module.

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	entraid "entrakey.invalid/go/entrakeyredisentraid"
	"entrakey.invalid/go/entrakeyredisentraid/identity"
	"entrakey.invalid/go/entrakeyredisentraid/manager"
	"entrakey.invalid/go/entrakeyredisentraid/shared"
	"entrakey.invalid/go/entrakeyredisentraid/token"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/auth"
)

func pings(t *testing.T, provider auth.StreamingCredentialsProvider, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(streaming(t, provider))
	defer client.Close()
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}

func TestASystemAssignedIdentity(t *testing.T) {
	in(t, "imds")
	provider, err := entraid.NewManagedIdentityCredentialsProvider(entraid.ManagedIdentityCredentialsProviderOptions{
		ManagedIdentityProviderOptions: identity.ManagedIdentityProviderOptions{
			ManagedIdentityType: identity.SystemAssignedIdentity,
			Scopes:              []string{"https://redis.azure.com/.default"},
		},
	})
	pings(t, provider, err)
}

func TestAUserAssignedIdentityWithAResourceAndOptionsOfTheManager(t *testing.T) {
	azure := in(t, "imds")
	provider, err := entraid.NewManagedIdentityCredentialsProvider(entraid.ManagedIdentityCredentialsProviderOptions{
		CredentialsProviderOptions: entraid.CredentialsProviderOptions{
			ClientID: os.Getenv("AZURE_CLIENT_ID"),
			TokenManagerOptions: manager.TokenManagerOptions{
				ExpirationRefreshRatio: 0.7,
				LowerRefreshBound:      10 * time.Second,
				RetryOptions: manager.RetryOptions{
					MaxAttempts:       3,
					InitialDelay:      1000 * time.Millisecond,
					MaxDelay:          30000 * time.Millisecond,
					BackoffMultiplier: 2.0,
					IsRetryable:       func(err error) bool { return strings.Contains(err.Error(), "timeout") },
				},
				RequestTimeout: 30 * time.Second,
			},
		},
		ManagedIdentityProviderOptions: identity.ManagedIdentityProviderOptions{
			ManagedIdentityType:  identity.UserAssignedIdentity,
			UserAssignedClientID: azure.Variable("ENTRAKEY_EMULATOR_USER_ASSIGNED_CLIENT_ID"),
			Scopes:               []string{identity.RedisResource},
		},
	})
	pings(t, provider, err)
	if name := username(t, provider); name != azure.Variable("ENTRAKEY_EMULATOR_USER_ASSIGNED_OBJECT_ID") {
		t.Fatal(name)
	}
}

func TestAClientSecretAtEveryKindOfAuthority(t *testing.T) {
	in(t, "client_secret")
	tenant, host := os.Getenv("AZURE_TENANT_ID"), strings.TrimSuffix(os.Getenv("AZURE_AUTHORITY_HOST"), "/")
	for _, authority := range []identity.AuthorityConfiguration{
		{TenantID: tenant},
		{AuthorityType: identity.AuthorityTypeDefault, TenantID: tenant},
		{AuthorityType: identity.AuthorityTypeMultiTenant, TenantID: tenant},
		{AuthorityType: identity.AuthorityTypeCustom, TenantID: tenant, Authority: fmt.Sprintf("%s/%s/v2.0", host, tenant)},
		{AuthorityType: identity.AuthorityTypeCustom, TenantID: tenant, Authority: host},
	} {
		provider, err := entraid.NewConfidentialCredentialsProvider(entraid.ConfidentialCredentialsProviderOptions{
			ConfidentialIdentityProviderOptions: identity.ConfidentialIdentityProviderOptions{
				ClientID:        os.Getenv("AZURE_CLIENT_ID"),
				ClientSecret:    os.Getenv("AZURE_CLIENT_SECRET"),
				CredentialsType: identity.ClientSecretCredentialType,
				Authority:       authority,
				Scopes:          []string{"https://redis.azure.com/.default"},
			},
		})
		pings(t, provider, err)
	}
}

func TestAClientCertificate(t *testing.T) {
	in(t, "client_certificate")
	certificate, err := tls.LoadX509KeyPair(os.Getenv("AZURE_CLIENT_CERTIFICATE_PATH"), os.Getenv("AZURE_CLIENT_CERTIFICATE_PATH"))
	if err != nil {
		t.Fatal(err)
	}
	provider, err := entraid.NewConfidentialCredentialsProvider(entraid.ConfidentialCredentialsProviderOptions{
		CredentialsProviderOptions: entraid.CredentialsProviderOptions{ClientID: os.Getenv("AZURE_CLIENT_ID")},
		ConfidentialIdentityProviderOptions: identity.ConfidentialIdentityProviderOptions{
			CredentialsType:  identity.ClientCertificateCredentialType,
			ClientCert:       []*x509.Certificate{certificate.Leaf},
			ClientPrivateKey: certificate.PrivateKey,
			Authority: identity.AuthorityConfiguration{
				AuthorityType: identity.AuthorityTypeMultiTenant,
				TenantID:      os.Getenv("AZURE_TENANT_ID"),
			},
		},
	})
	pings(t, provider, err)
}

func TestTheDefaultIdentity(t *testing.T) {
	in(t, "app_service")
	provider, err := entraid.NewDefaultAzureCredentialsProvider(entraid.DefaultAzureCredentialsProviderOptions{
		DefaultAzureIdentityProviderOptions: identity.DefaultAzureIdentityProviderOptions{
			AzureOptions: &azidentity.DefaultAzureCredentialOptions{},
			Scopes:       []string{"https://redis.azure.com/.default"},
		},
	})
	pings(t, provider, err)
	_, err = entraid.NewDefaultAzureCredentialsProvider(entraid.DefaultAzureCredentialsProviderOptions{
		DefaultAzureIdentityProviderOptions: identity.DefaultAzureIdentityProviderOptions{
			AzureOptions: &azidentity.DefaultAzureCredentialOptions{RequireAzureTokenCredentials: true},
		},
	})
	if err == nil || !strings.Contains(err.Error(), "AZURE_TOKEN_CREDENTIALS") {
		t.Fatal(err)
	}
}

// broker is a program's own source of tokens, around one of the module's.
type broker struct {
	behind shared.IdentityProvider
	kind   string
}

var _ entraid.IdentityProvider = (*broker)(nil)

func (b *broker) RequestToken(ctx context.Context) (shared.IdentityProviderResponse, error) {
	response, err := b.behind.RequestToken(ctx)
	if err != nil {
		return nil, err
	}
	secret, err := response.RawToken()
	if with, ok := response.(shared.AuthResultIDPResponse); ok && response.Type() == shared.ResponseTypeAuthResult {
		result, found := with.AuthResult()
		if found != nil {
			return nil, found
		}
		if b.kind == shared.ResponseTypeAuthResult {
			return shared.NewIDPResponse(b.kind, &result)
		}
		secret, err = result.AccessToken, nil
	}
	if err != nil {
		return nil, err
	}
	if b.kind == shared.ResponseTypeAccessToken {
		return shared.NewIDPResponse(b.kind, azcore.AccessToken{Token: secret, ExpiresOn: time.Now().Add(time.Minute)})
	}
	return shared.NewIDPResponse(b.kind, secret)
}

func TestASourceOfTheProgramsOwnWithEachTypeOfAnswer(t *testing.T) {
	in(t, "imds")
	for _, kind := range []string{shared.ResponseTypeRawToken, shared.ResponseTypeAccessToken, shared.ResponseTypeAuthResult} {
		behind, err := identity.NewManagedIdentityProvider(identity.ManagedIdentityProviderOptions{ManagedIdentityType: identity.SystemAssignedIdentity})
		if err != nil {
			t.Fatal(err)
		}
		tokenManager, err := manager.NewTokenManager(&broker{behind, kind}, manager.TokenManagerOptions{RequestTimeout: 30 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		provider, err := entraid.NewCredentialsProvider(tokenManager, entraid.CredentialsProviderOptions{})
		pings(t, provider, err)
	}
}

// fixed answers no JWT: "user:password:when it expires".
type fixed struct{ now time.Time }

func (f fixed) RequestToken(context.Context) (entraid.IdentityProviderResponse, error) {
	return shared.NewIDPResponse(shared.ResponseTypeRawToken, fmt.Sprintf("local:password:%d", f.now.Add(time.Hour).Unix()))
}

type colons struct{}

var _ entraid.IdentityProviderResponseParser = colons{}

func (colons) ParseResponse(response entraid.IdentityProviderResponse) (*token.Token, error) {
	raw, err := response.RawToken()
	if err != nil {
		return nil, err
	}
	var seconds int64
	parts := strings.SplitN(raw, ":", 3)
	if _, err := fmt.Sscan(parts[2], &seconds); err != nil {
		return nil, err
	}
	expires, now := time.Unix(seconds, 0), time.Now()
	return token.New(parts[0], parts[1], raw, expires, now, expires.Sub(now).Milliseconds()), nil
}

func TestAParserOfTheProgramsOwn(t *testing.T) {
	now := time.Now()
	tokenManager, err := manager.NewTokenManager(fixed{now}, manager.TokenManagerOptions{IdentityProviderResponseParser: colons{}})
	if err != nil {
		t.Fatal(err)
	}
	read, err := tokenManager.GetToken(false)
	if err != nil {
		t.Fatal(err)
	}
	name, password := read.BasicAuth()
	raw := fmt.Sprintf("local:password:%d", now.Add(time.Hour).Unix())
	if name != "local" || password != "password" || read.RawCredentials() != raw || read.ExpirationOn().Unix() != now.Add(time.Hour).Unix() {
		t.Fatal(name, read.ExpirationOn())
	}
	provider, err := entraid.NewCredentialsProvider(tokenManager, entraid.CredentialsProviderOptions{})
	if err != nil || entraid.ProviderOf(provider) != nil {
		t.Fatal("a provider whose tokens only the parser understands: ", err)
	}
}

func TestWhatTheOptionsContradictIsSaidAtOnce(t *testing.T) {
	in(t, "imds")
	managed := func(o identity.ManagedIdentityProviderOptions) error {
		_, err := entraid.NewManagedIdentityCredentialsProvider(entraid.ManagedIdentityCredentialsProviderOptions{ManagedIdentityProviderOptions: o})
		return err
	}
	confidential := func(o identity.ConfidentialIdentityProviderOptions) error {
		_, err := entraid.NewConfidentialCredentialsProvider(entraid.ConfidentialCredentialsProviderOptions{ConfidentialIdentityProviderOptions: o})
		return err
	}
	_, ratio := manager.NewTokenManager(fixed{}, manager.TokenManagerOptions{ExpirationRefreshRatio: 1.5})
	_, nobody := manager.NewTokenManager(nil, manager.TokenManagerOptions{})
	_, kind := shared.NewIDPResponse("Token", "secret value")
	_, value := shared.NewIDPResponse(shared.ResponseTypeAccessToken, "secret value")
	for says, err := range map[string]error{
		"invalid managed identity type":            managed(identity.ManagedIdentityProviderOptions{}),
		"user assigned client ID is required":      managed(identity.ManagedIdentityProviderOptions{ManagedIdentityType: identity.UserAssignedIdentity}),
		"Scopes has 2":                             managed(identity.ManagedIdentityProviderOptions{ManagedIdentityType: identity.SystemAssignedIdentity, Scopes: []string{"a", "b"}}),
		"client ID is required":                    confidential(identity.ConfidentialIdentityProviderOptions{}),
		"invalid credentials type":                 confidential(identity.ConfidentialIdentityProviderOptions{ClientID: "c"}),
		"client secret is required":                confidential(identity.ConfidentialIdentityProviderOptions{ClientID: "c", CredentialsType: identity.ClientSecretCredentialType}),
		"non-empty client certificate is required": confidential(identity.ConfidentialIdentityProviderOptions{ClientID: "c", CredentialsType: identity.ClientCertificateCredentialType}),
		"tenant ID is required":                    confidential(secretAt(identity.AuthorityConfiguration{AuthorityType: identity.AuthorityTypeMultiTenant})),
		"authority is required":                    confidential(secretAt(identity.AuthorityConfiguration{AuthorityType: identity.AuthorityTypeCustom})),
		"is no address":                            confidential(secretAt(identity.AuthorityConfiguration{AuthorityType: identity.AuthorityTypeCustom, Authority: "tenant"})),
		"invalid authority type":                   confidential(secretAt(identity.AuthorityConfiguration{AuthorityType: "none"})),
		"ratio must be between 0 and 1":            ratio,
		"identity provider is required":            nobody,
		"invalid identity provider response type":  kind,
		"AccessToken, and this is a string":        value,
	} {
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret value") {
			t.Errorf("%q: %v", says, err)
		}
	}
	if !errors.Is(value, shared.ErrInvalidIDPResponse) || !errors.Is(kind, shared.ErrInvalidIDPResponseType) {
		t.Error(value, kind)
	}
}

func secretAt(authority identity.AuthorityConfiguration) identity.ConfidentialIdentityProviderOptions {
	return identity.ConfidentialIdentityProviderOptions{ClientID: "c", ClientSecret: "s",
		CredentialsType: identity.ClientSecretCredentialType, Authority: authority}
}
