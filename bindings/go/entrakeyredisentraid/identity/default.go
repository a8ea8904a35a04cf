package identity

import (
	"errors"
	"log/slog"
	"os"
	"strings"

	"entrakey.invalid/go/entrakey"
	"entrakey.invalid/go/entrakeyredisentraid/shared"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// DefaultAzureIdentityProviderOptions are those of NewDefaultAzureIdentityProvider.
type DefaultAzureIdentityProviderOptions struct {
	// AzureOptions may be nil. TenantID, Cloud and RequireAzureTokenCredentials are heeded; what concerns azidentity's own
	// transport is not, and a warning says so.
	AzureOptions *azidentity.DefaultAzureCredentialOptions
	// Scopes holds the scope, if it is not RedisScopeDefault.
	Scopes []string
}

// DefaultAzureIdentityProvider is the first identity that is there: environment, workload identity, managed identity, Azure CLI,
// Azure Developer CLI.
type DefaultAzureIdentityProvider struct{ source }

// NewDefaultAzureIdentityProvider makes one.
func NewDefaultAzureIdentityProvider(opts DefaultAzureIdentityProviderOptions) (*DefaultAzureIdentityProvider, error) {
	config := entrakey.Config{Identity: "default"}
	var err error
	if config.Scope, err = scope(opts.Scopes); err != nil {
		return nil, err
	}
	if azure := opts.AzureOptions; azure != nil {
		if azure.RequireAzureTokenCredentials && os.Getenv("AZURE_TOKEN_CREDENTIALS") == "" {
			return nil, errors.New("RequireAzureTokenCredentials is set, and the environment variable AZURE_TOKEN_CREDENTIALS is not")
		}
		config.TenantID = azure.TenantID
		config.AuthorityHost = azure.Cloud.ActiveDirectoryAuthorityHost
		if unused := unused(azure); len(unused) > 0 {
			slog.Warn("entrakeyredisentraid: these of AzureOptions are not used: " + strings.Join(unused, ", "))
		}
	}
	return &DefaultAzureIdentityProvider{source{config: config, responseType: shared.ResponseTypeAccessToken}}, nil
}

// unused options, of those that are set.
func unused(o *azidentity.DefaultAzureCredentialOptions) (names []string) {
	for _, option := range []struct {
		name  string
		isSet bool
	}{
		{"Transport", o.Transport != nil}, {"PerCallPolicies", len(o.PerCallPolicies) > 0}, {"PerRetryPolicies", len(o.PerRetryPolicies) > 0},
		{"Retry", o.Retry.MaxRetries != 0 || o.Retry.TryTimeout != 0 || o.Retry.RetryDelay != 0 || o.Retry.MaxRetryDelay != 0 || len(o.Retry.StatusCodes) > 0 || o.Retry.ShouldRetry != nil},
	} {
		if option.isSet {
			names = append(names, option.name)
		}
	}
	return
}
