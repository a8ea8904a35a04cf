'use strict';

const { EntrakeyError } = require('../errors.cjs');
const { AzureIdentityProvider } = require('./azure-identity-provider.cjs');
const { REDIS_SCOPE, REDIS_SCOPE_DEFAULT } = require('./constants.cjs');
const { OID_CREDENTIALS_MAPPER } = require('./mappers.cjs');
const { EntraidCredentialsProvider } = require('./provider.cjs');
const { OwnSource } = require('./sources.cjs');
const { TokenManager } = require('./token-manager.cjs');

/** The core takes scopes, @redis/entraid takes resources for managed identities: a scope ends with /.default. */
const toScope = (name) => (name.endsWith('/.default') ? name : `${name.replace(/\/$/, '')}/.default`);

/** The authority host and the tenant in a URL like https://login.microsoftonline.com/TENANT. */
function authorityOf(config) {
  if (config === undefined || config.type === 'default') return {}; // AZURE_TENANT_ID, if it is set
  const { origin, pathname } = new URL(EntraIdCredentialsProviderFactory.getAuthority(config));
  const tenantId = pathname.split('/').find((part) => part !== '');
  return config.type === 'custom' ? { authorityHost: origin, tenantId } : { tenantId };
}

/** A certificate as PEM, from the bare base64 that a JSON Web Token's x5c header holds. */
function toPem(certificate) {
  if (certificate.includes('-----BEGIN ')) return certificate;
  const lines = certificate.replace(/\s/g, '').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

function certificateOf({ thumbprint, privateKey, x5c }) {
  if (x5c !== undefined) return { certificate: [x5c].flat().map(toPem).join('\n'), privateKey, sendCertificateChain: true };
  return { certificateThumbprint: thumbprint, privateKey };
}

/** A credentials provider for one of the core's own identities. */
function own(identity, params, scopes) {
  const { tokenManagerConfig, onReAuthenticationError, onRetryableError, credentialsMapper } = params;
  const options = { ...identity, scope: toScope(scopes[0]) };
  const source = new OwnSource(options, scopes, tokenManagerConfig, credentialsMapper !== undefined);
  return new EntraidCredentialsProvider(new TokenManager(source, tokenManagerConfig), source, {
    onReAuthenticationError,
    onRetryableError,
    credentialsMapper: credentialsMapper ?? OID_CREDENTIALS_MAPPER,
  });
}

function servicePrincipal(proof, params) {
  const { clientId, authorityConfig, scopes = [REDIS_SCOPE_DEFAULT] } = params;
  return own({ identity: 'service_principal', clientId, ...authorityOf(authorityConfig), ...proof }, params, scopes);
}

function noPkce() {
  return new EntrakeyError({
    code: 'INVALID_ARGUMENT',
    message:
      'entrakey does not sign users in with an authorization code. Sign in with a credential of @azure/identity, for ' +
      'instance InteractiveBrowserCredential, AuthorizationCodeCredential or AzureCliCredential, and pass it to ' +
      'EntraIdCredentialsProviderFactory.createForDefaultAzureCredential({ credential, … }).',
  });
}

class EntraIdCredentialsProviderFactory {
  static createManagedIdentityProvider(params, userAssignedClientId) {
    const { scopes = [REDIS_SCOPE] } = params;
    const clientId = userAssignedClientId === undefined ? {} : { clientId: userAssignedClientId };
    return own({ identity: 'managed_identity', ...clientId }, params, scopes);
  }

  static createForSystemAssignedManagedIdentity(params) {
    return this.createManagedIdentityProvider(params);
  }

  static createForUserAssignedManagedIdentity(params) {
    return this.createManagedIdentityProvider(params, params.userAssignedClientId);
  }

  static createForClientCredentialsWithCertificate(params) {
    return servicePrincipal(certificateOf(params.certificate), params);
  }

  static createForClientCredentials(params) {
    return servicePrincipal({ clientSecret: params.clientSecret }, params);
  }

  static createForDefaultAzureCredential({ credential, scopes, options, tokenManagerConfig, ...more }) {
    const { onReAuthenticationError, credentialsMapper = OID_CREDENTIALS_MAPPER, onRetryableError } = more;
    const idp = new AzureIdentityProvider(() => credential.getToken(scopes, options));
    return new EntraidCredentialsProvider(new TokenManager(idp, tokenManagerConfig), idp, {
      onReAuthenticationError,
      credentialsMapper,
      onRetryableError,
    });
  }

  static createForAuthorizationCodeWithPKCE() {
    throw noPkce();
  }

  static getAuthority(config) {
    switch (config.type) {
      case 'multi-tenant':
        return `https://login.microsoftonline.com/${config.tenantId}`;
      case 'custom':
        return config.authorityUrl;
      case 'default':
        return 'https://login.microsoftonline.com/common';
      default:
        throw new Error('Invalid authority configuration');
    }
  }
}

/** Exists only so that the import works: it always throws. */
class AuthCodeFlowHelper {
  constructor() {
    throw noPkce();
  }

  static create() {
    throw noPkce();
  }

  static async generatePKCE() {
    throw noPkce();
  }
}

module.exports = { AuthCodeFlowHelper, EntraIdCredentialsProviderFactory };
