package identity

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"entrakey.invalid/go/entrakey"
	"entrakey.invalid/go/entrakeyredisentraid/shared"
)

const (
	// AuthorityTypeDefault is the public cloud's Entra. Unlike the original it heeds TenantID: without one no application can
	// sign in.
	AuthorityTypeDefault = "default"
	// AuthorityTypeMultiTenant is the public cloud's Entra, with TenantID.
	AuthorityTypeMultiTenant = "multi-tenant"
	// AuthorityTypeCustom is an Authority of one's own.
	AuthorityTypeCustom = "custom"
)

// AuthorityConfiguration says where an application signs in.
type AuthorityConfiguration struct {
	// AuthorityType is one of the constants of that name; AuthorityTypeDefault if it is empty.
	AuthorityType string
	// Authority is the address for AuthorityTypeCustom: https://login.microsoftonline.com/<tenant>.
	Authority string
	TenantID  string
}

// apply sets the tenant and Entra's address.
func (a AuthorityConfiguration) apply(config *entrakey.Config) error {
	config.TenantID = a.TenantID
	switch a.AuthorityType {
	case "", AuthorityTypeDefault:
	case AuthorityTypeMultiTenant:
		if a.TenantID == "" {
			return errors.New("tenant ID is required when using multi-tenant authority type")
		}
	case AuthorityTypeCustom:
		if a.Authority == "" {
			return errors.New("authority is required when using custom authority type")
		}
		address, err := url.Parse(a.Authority)
		if err != nil || address.Host == "" {
			return fmt.Errorf("the authority %q is no address such as https://login.microsoftonline.com/<tenant>", a.Authority)
		}
		if tenant, _, _ := strings.Cut(strings.Trim(address.Path, "/"), "/"); tenant != "" {
			config.TenantID = tenant
		}
		config.AuthorityHost = address.Scheme + "://" + address.Host
	default:
		return fmt.Errorf("invalid authority type: %s", a.AuthorityType)
	}
	return nil
}

// ConfidentialIdentityProviderOptions are those of NewConfidentialIdentityProvider.
type ConfidentialIdentityProviderOptions struct {
	ClientID string
	// CredentialsType is ClientSecretCredentialType or ClientCertificateCredentialType.
	CredentialsType string
	ClientSecret    string
	// ClientCert is the certificate, and those that vouch for it.
	ClientCert       []*x509.Certificate
	ClientPrivateKey crypto.PrivateKey
	// Scopes holds the scope, if it is not RedisScopeDefault.
	Scopes    []string
	Authority AuthorityConfiguration
}

// ConfidentialIdentityProvider is an application with a secret or a certificate.
type ConfidentialIdentityProvider struct{ source }

// NewConfidentialIdentityProvider makes one.
func NewConfidentialIdentityProvider(opts ConfidentialIdentityProviderOptions) (*ConfidentialIdentityProvider, error) {
	if opts.ClientID == "" {
		return nil, errors.New("client ID is required")
	}
	config := entrakey.Config{Identity: "service_principal", ClientID: opts.ClientID}
	if err := opts.credential(&config); err != nil {
		return nil, err
	}
	if err := opts.Authority.apply(&config); err != nil {
		return nil, fmt.Errorf("failed to get authority: %w", err)
	}
	var err error
	config.Scope, err = scope(opts.Scopes)
	if err != nil {
		return nil, err
	}
	return &ConfidentialIdentityProvider{source{config: config, responseType: shared.ResponseTypeAuthResult}}, nil
}

func (o *ConfidentialIdentityProviderOptions) credential(config *entrakey.Config) error {
	switch o.CredentialsType {
	case ClientSecretCredentialType:
		if o.ClientSecret == "" {
			return errors.New("client secret is required when using client secret credentials")
		}
		config.ClientSecret = entrakey.NewSecret(o.ClientSecret)
		return nil
	case ClientCertificateCredentialType:
		return o.certificate(config)
	}
	return fmt.Errorf("invalid credentials type %q: set CredentialsType to %q or %q", o.CredentialsType, ClientSecretCredentialType,
		ClientCertificateCredentialType)
}

func (o *ConfidentialIdentityProviderOptions) certificate(config *entrakey.Config) error {
	if len(o.ClientCert) == 0 {
		return errors.New("non-empty client certificate is required when using client certificate credentials")
	}
	if o.ClientPrivateKey == nil {
		return errors.New("client private key is required when using client certificate credentials")
	}
	var certificates bytes.Buffer
	for _, certificate := range o.ClientCert {
		if certificate == nil {
			return errors.New("a client certificate is nil: tls.LoadX509KeyPair leaves Leaf empty with GODEBUG=x509keypairleaf=0")
		}
		_ = pem.Encode(&certificates, &pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}) // a buffer takes everything
	}
	key, err := x509.MarshalPKCS8PrivateKey(o.ClientPrivateKey)
	if err != nil {
		return fmt.Errorf("the client private key cannot be used: %w (for a key that does not leave its device use package "+
			"entrakey with Config.AssertionSource)", err)
	}
	config.Certificate = entrakey.NewSecret(certificates.String())
	config.PrivateKey = entrakey.NewSecret(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	return nil
}
