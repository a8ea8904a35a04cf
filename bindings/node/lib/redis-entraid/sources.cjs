'use strict';

const { toCamel } = require('../config.cjs');
const native = require('../native.cjs');
const { Provider } = require('../provider.cjs');
const { unprinted } = require('../redis/discretion.cjs');
const { warn } = require('../warning.cjs');
const { claimsOf } = require('./claims.cjs');
const { DEFAULT_RETRY_POLICY, DEFAULT_TOKEN_MANAGER_CONFIG } = require('./constants.cjs');

let warned = false;

/** What of a token manager's configuration a `Provider` has too, and what is made of it: no outage ends the renewal. */
function policyOf({ expirationRefreshRatio, retry } = DEFAULT_TOKEN_MANAGER_CONFIG) {
  const older = DEFAULT_RETRY_POLICY;
  const settings = [
    ['refresh_ratio', 'expirationRefreshRatio', expirationRefreshRatio, DEFAULT_TOKEN_MANAGER_CONFIG.expirationRefreshRatio],
    ['retry_initial_ms', 'retry.initialDelayMs', retry?.initialDelayMs, older.initialDelayMs],
    ['retry_max_ms', 'retry.maxDelayMs', retry?.maxDelayMs, older.maxDelayMs],
    ['', 'retry.maxAttempts', retry?.maxAttempts, older.maxAttempts],
  ];
  const written = settings.filter(([, , value]) => typeof value === 'number');
  const { values, warning } = native.inherit(written.map(([key, name, value, older]) => ({ key, name, value, default: older })));
  if (warning && !warned) {
    warned = true;
    warn('ENTRAKEY_SETTINGS_RAISED', warning);
  }
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [toCamel(key), value]));
}

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

  constructor(identityProvider, policy, toCredentials) {
    const tokenCallback = async () => {
      const { token, ttlMs } = await identityProvider.requestToken();
      const { username, password } = toCredentials(token);
      this.#natives.delete(password);
      this.#natives.set(password, token);
      if (this.#natives.size > 2) this.#natives.delete(this.#natives.keys().next().value);
      return { token: password, expiresOnTimestamp: Math.round(Date.now() + ttlMs), username };
    };
    this.provider = new Provider({ identity: 'custom', tokenCallback, ...policyOf(policy) });
  }

  nativeOf(token) {
    const again = () => unprinted({ token: token.secret, expiresOnTimestamp: token.expiresOn.getTime() }, 'token');
    return this.#natives.get(token.secret) ?? again();
  }
}

module.exports = { HostSource, OwnSource };
