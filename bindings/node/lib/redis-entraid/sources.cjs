'use strict';

const { Provider } = require('../provider.cjs');
const { unprinted } = require('../redis/discretion.cjs');
const { DEFAULT_TOKEN_MANAGER_CONFIG } = require('./constants.cjs');

/** The core takes no shorter waits between retries, and no refresh at once. */
const LEAST_RETRY_MS = 100;
const LEAST_RATIO = 0.01;

/** What of a token manager's configuration a `Provider` has too. */
function policyOf({ expirationRefreshRatio, retry } = DEFAULT_TOKEN_MANAGER_CONFIG) {
  const retryInitialMs = Math.max(LEAST_RETRY_MS, Math.ceil(retry?.initialDelayMs ?? 0));
  return {
    refreshRatio: expirationRefreshRatio === undefined ? undefined : Math.max(LEAST_RATIO, expirationRefreshRatio),
    ...(retry === undefined ? {} : { retryInitialMs, retryMaxMs: Math.max(retryInitialMs, Math.ceil(retry.maxDelayMs)) }),
  };
}

const claimsOf = (secret) => JSON.parse(Buffer.from(secret.split('.')[1], 'base64url').toString());

/** A token of ours in the shape of MSAL's AuthenticationResult. */
function toAuthenticationResult({ secret, expiresOn }, scopes) {
  const claims = claimsOf(secret);
  const result = {
    authority: '',
    uniqueId: claims.oid ?? '',
    tenantId: claims.tid ?? '',
    scopes,
    account: null,
    idToken: '',
    idTokenClaims: {},
    accessToken: secret,
    fromCache: false,
    expiresOn,
    tokenType: 'Bearer',
    correlationId: '',
  };
  return unprinted(result, 'accessToken');
}

/** An identity that the library knows itself: the identity provider of the factory's own creators. */
class OwnSource {
  #scopes;

  constructor(options, scopes, policy, mapsNames) {
    this.#scopes = scopes;
    // Whoever maps names does without the one in the token.
    this.provider = new Provider({ ...options, ...policyOf(policy), ...(mapsNames ? { username: 'mapped' } : {}) });
  }

  async requestToken() {
    const token = await this.provider.getToken();
    return { token: this.nativeOf(token), ttlMs: token.expiresOn.getTime() - Date.now() };
  }

  nativeOf(token) {
    return toAuthenticationResult(token, this.#scopes);
  }
}

/** An identity provider of the host's own, and a `Provider` that asks it and nobody else. */
class HostSource {
  /** The host's tokens of now and before, by their text. */
  #natives = new Map();

  constructor(identityProvider, policy, toCredentials, mapsNames) {
    const tokenCallback = async () => {
      const { token, ttlMs } = await identityProvider.requestToken();
      const { password } = toCredentials(token);
      this.#natives.delete(password);
      this.#natives.set(password, token);
      if (this.#natives.size > 2) this.#natives.delete(this.#natives.keys().next().value);
      return { token: password, expiresOnTimestamp: Math.round(Date.now() + ttlMs) };
    };
    this.provider = new Provider({
      identity: 'custom',
      tokenCallback,
      ...policyOf(policy),
      ...(mapsNames ? { username: 'mapped' } : {}),
    });
  }

  nativeOf(token) {
    const again = () => unprinted({ token: token.secret, expiresOnTimestamp: token.expiresOn.getTime() }, 'token');
    return this.#natives.get(token.secret) ?? again();
  }
}

module.exports = { HostSource, OwnSource };
