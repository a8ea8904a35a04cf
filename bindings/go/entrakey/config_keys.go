// Written by `ENTRAKEY_UPDATE=1 cargo test -p entrakey-core` from the table of keys. Do not edit.

package entrakey

import (
	"context"
	"log/slog"
	"time"
)

// Config is what a provider is made from. A field that is not set comes from the environment (ENTRAKEY_<KEY>, then Azure's own
// variables), then from the file that ConfigFile names. A value is taken literally, also one with "${". Pointers are for
// values of which the zero value is one too.
type Config struct {
	// Identity (identity): How to authenticate. `default` takes the first that is there: environment, workload_identity, managed_identity, azure_cli, azure_developer_cli; AZURE_TOKEN_CREDENTIALS (dev, prod, or one name) narrows it down. One of default, managed_identity, service_principal, workload_identity, client_assertion, azure_cli, azure_developer_cli, azure_pipelines, token_file, environment, custom. If nothing sets it: default.
	Identity string
	// TenantID (tenant_id): The tenant of the service principal. For azure_cli and azure_developer_cli: the tenant to sign in to, if it is not the tool's own; AZURE_TENANT_ID is not read for them.
	TenantID string
	// ClientID (client_id): The application (client) id: of the service principal, or of a user-assigned managed identity. For a managed identity AZURE_CLIENT_ID is read in the default chain only.
	ClientID string
	// ObjectID (object_id): A user-assigned managed identity, by its object (principal) id.
	ObjectID string
	// ResourceID (resource_id): A user-assigned managed identity, by its Azure resource id.
	ResourceID string
	// ClientSecret (client_secret): The service principal's secret: its value, not its id.
	ClientSecret Secret
	// ClientSecretPath (client_secret_path): A file that holds the service principal's secret and nothing else. It is read for each request, and a change of it is noticed within seconds when the secret was refused.
	ClientSecretPath string
	// FederatedTokenFile (federated_token_file): The file with the token that Kubernetes issues for a workload identity. It is read for each request.
	FederatedTokenFile string
	// ClientAssertionPath (client_assertion_path): A file with a client assertion: a JWT that Entra trusts by a federated credential. It is read for each request; whoever issues it keeps it fresh.
	ClientAssertionPath string
	// ServiceConnectionID (service_connection_id): The service connection of Azure Pipelines that signs in.
	ServiceConnectionID string
	// SystemAccessToken (system_access_token): The token of the pipeline's job.
	SystemAccessToken Secret
	// OIDCRequestURI (oidc_request_uri): Where Azure Pipelines issues tokens; it sets it.
	OIDCRequestURI string
	// TokenFilePath (token_file_path): For token_file: a file with an access token that somebody else keeps fresh, `entrakey agent` for instance. Either the token alone, or a JSON object with it (`value`, `access_token`), its end (`expires_on`, in seconds since 1970) and the user name (`username`). It is read for each request.
	TokenFilePath string
	// AzureCLISubscription (azure_cli_subscription): For azure_cli: the subscription whose account is meant, if it is not the tool's current one.
	AzureCLISubscription string
	// CertificatePath (certificate_path): The service principal's certificate: a PEM file, or a PFX (PKCS#12) file with its key in it, also in base64. Files are read anew when they change.
	CertificatePath string
	// PrivateKeyPath (private_key_path): The PEM file with the certificate's private key, if it is not in certificate_path.
	PrivateKeyPath string
	// Certificate (certificate): The certificate itself, instead of certificate_path: in PEM, and its key may stand beside it; or a PFX in base64, as Azure Key Vault gives it.
	Certificate Secret
	// PrivateKey (private_key): The private key itself (PEM), instead of private_key_path.
	PrivateKey Secret
	// CertificatePassword (certificate_password): The password of the PFX or of the encrypted private key.
	CertificatePassword Secret
	// SendCertificateChain (send_certificate_chain): Sends the certificate and those that vouch for it along, for applications that trust a subject name and an issuer.
	SendCertificateChain *bool
	// CertificateThumbprint (certificate_thumbprint): The certificate's SHA-1 in hexadecimal, for callers that have nothing else besides the private key: signs as older libraries do (RS256, x5t).
	CertificateThumbprint string
	// Scope (scope): What the token is for. The other name of the same resource is acca5fbb-b7e4-4009-81f1-37e38fd66d78/.default. If nothing sets it: https://redis.azure.com/.default.
	Scope string
	// Cloud (cloud): Which of Microsoft's clouds: it decides on Entra's address. One of public, china, us_government. If nothing sets it: public.
	Cloud string
	// AuthorityHost (authority_host): Entra's address, https only, if it is not that of the cloud: https://login.microsoftonline.com.
	AuthorityHost string
	// IMDSEndpoint (imds_endpoint): The instance metadata service's address, for tests and emulators. If code or ENTRAKEY_IMDS_ENDPOINT gives it, no other managed identity endpoint is looked for. Plain http is refused outside loopback and link-local addresses. If nothing sets it: http://169.254.169.254.
	IMDSEndpoint string
	// Proxy (proxy): The proxy for requests to Entra, http://host:port or https://host:port with user and password if need be; else the variables https_proxy, HTTPS_PROXY, all_proxy, ALL_PROXY. Managed identity endpoints are never asked through one. docs/proxies.md has the rules.
	Proxy Secret
	// NoProxy (no_proxy): Hosts that are asked directly, without the proxy: names, addresses, networks, * for all, with commas between them; else the variables no_proxy, NO_PROXY.
	NoProxy string
	// CAFile (ca_file): A PEM file of certificate authorities to trust besides the system's.
	CAFile string
	// Username (username): The Redis user name, if it is not to be taken from the token.
	Username string
	// UsernameClaim (username_claim): The claim of the token that holds the Redis user name. If nothing sets it: oid.
	UsernameClaim string
	// RefreshRatio (refresh_ratio): Ask for a new token after this share of the validity that was left when the token was first seen. If nothing sets it: 0.7.
	RefreshRatio *float64
	// RefreshLowerBound (refresh_lower_bound_ms): Ask for a new token this long before expiry at the latest: Microsoft's three minutes, and two to spread. If nothing sets it: 300000.
	RefreshLowerBound time.Duration
	// RefreshJitter (refresh_jitter): Refresh earlier by a random share of the lifetime up to this, so that a fleet does not ask in step. 0 switches all spreading of refreshes off. If nothing sets it: 0.05.
	RefreshJitter *float64
	// MinRequestInterval (min_request_interval_ms): The least time between an answer and the next request. If nothing sets it: 30000.
	MinRequestInterval time.Duration
	// RequestTimeout (request_timeout_ms): The most one request to the token source may take. If nothing sets it: 10000.
	RequestTimeout time.Duration
	// GetTokenTimeout (get_token_timeout_ms): The most a call of get_token may take. If nothing sets it: 30000.
	GetTokenTimeout time.Duration
	// RetryInitial (retry_initial_ms): The least wait after a failed request. If nothing sets it: 500.
	RetryInitial time.Duration
	// RetryMax (retry_max_ms): The most wait after a failed request. There is no limit on tries. If nothing sets it: 30000.
	RetryMax time.Duration
	// ReauthMargin (reauth_margin_ms): Connections are told to re-authenticate at least this long before the old token expires; Microsoft asks for three minutes. If nothing sets it: 180000.
	ReauthMargin time.Duration
	// ReauthSpread (reauth_spread): Notifications are spread over this share of the lifetime (0.025 at most for tokens under 20 minutes). If nothing sets it: 0.1.
	ReauthSpread *float64
	// MinValidity (min_validity_ms): A token with less than this left is handed out only if nothing better can be had. If nothing sets it: 60000.
	MinValidity time.Duration
	// Name (name): A label for metrics and logs, if a process has several providers. It leaves the process: no secret, no object id.
	Name string
	// ConfigFile (config_file): A JSON, YAML or TOML file of these keys, or with a secret store's entries; see above. Not settable in a file.
	ConfigFile string
	// ConfigEntry (config_entry): The id of the secret store's entry in config_file, if the file has several. Not settable in a file.
	ConfigEntry string
	// TokenSource makes the program the source of tokens: it is asked for each. ctx ends when the provider stops waiting.
	TokenSource func(ctx context.Context, scope string) (AccessToken, error)
	// AssertionSource makes the program the source of the client assertions with which the application of TenantID and ClientID
	// signs in: JWTs that Entra trusts by a federated credential.
	AssertionSource func(ctx context.Context) (string, error)
	// Logger gets the provider's events: INFO for a new token, WARN when something gets worse, DEBUG for each single step. Levels
	// that it does not take when the provider is made are never made.
	Logger *slog.Logger
}

func (c *Config) keys() keys {
	k := keys{}
	k.text("identity", c.Identity)
	k.text("tenant_id", c.TenantID)
	k.text("client_id", c.ClientID)
	k.text("object_id", c.ObjectID)
	k.text("resource_id", c.ResourceID)
	k.secret("client_secret", c.ClientSecret)
	k.text("client_secret_path", c.ClientSecretPath)
	k.text("federated_token_file", c.FederatedTokenFile)
	k.text("client_assertion_path", c.ClientAssertionPath)
	k.text("service_connection_id", c.ServiceConnectionID)
	k.secret("system_access_token", c.SystemAccessToken)
	k.text("oidc_request_uri", c.OIDCRequestURI)
	k.text("token_file_path", c.TokenFilePath)
	k.text("azure_cli_subscription", c.AzureCLISubscription)
	k.text("certificate_path", c.CertificatePath)
	k.text("private_key_path", c.PrivateKeyPath)
	k.secret("certificate", c.Certificate)
	k.secret("private_key", c.PrivateKey)
	k.secret("certificate_password", c.CertificatePassword)
	k.boolean("send_certificate_chain", c.SendCertificateChain)
	k.text("certificate_thumbprint", c.CertificateThumbprint)
	k.text("scope", c.Scope)
	k.text("cloud", c.Cloud)
	k.text("authority_host", c.AuthorityHost)
	k.text("imds_endpoint", c.IMDSEndpoint)
	k.secret("proxy", c.Proxy)
	k.text("no_proxy", c.NoProxy)
	k.text("ca_file", c.CAFile)
	k.text("username", c.Username)
	k.text("username_claim", c.UsernameClaim)
	k.fraction("refresh_ratio", c.RefreshRatio)
	k.milliseconds("refresh_lower_bound_ms", c.RefreshLowerBound)
	k.fraction("refresh_jitter", c.RefreshJitter)
	k.milliseconds("min_request_interval_ms", c.MinRequestInterval)
	k.milliseconds("request_timeout_ms", c.RequestTimeout)
	k.milliseconds("get_token_timeout_ms", c.GetTokenTimeout)
	k.milliseconds("retry_initial_ms", c.RetryInitial)
	k.milliseconds("retry_max_ms", c.RetryMax)
	k.milliseconds("reauth_margin_ms", c.ReauthMargin)
	k.fraction("reauth_spread", c.ReauthSpread)
	k.milliseconds("min_validity_ms", c.MinValidity)
	k.text("name", c.Name)
	k.text("config_file", c.ConfigFile)
	k.text("config_entry", c.ConfigEntry)
	return k
}
