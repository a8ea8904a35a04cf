'use strict';

const { toCamel } = require('../config.cjs');
const native = require('../native.cjs');
const { Provider } = require('../provider.cjs');
const { unprinted } = require('../redis/discretion.cjs');
const { warn } = require('../warning.cjs');
const { claimsOf } = require('./claims.cjs');
const { DEFAULT_RETRY_POLICY, DEFAULT_TOKEN_MANAGER_CONFIG } = require('./constants.cjs');

let warned = false;

/**
 * A token manager's configuration as options of a `Provider`. Limits on tries are dropped: no outage ends the renewal.
 */
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

/** One of the core's own identities, as the identity provider that the factory's creators use. */
class OwnSource {
  #scopes;

  constructor(options, scopes, policy, mapsNames) {
    this.#scopes = scopes;
    // A caller that maps user names itself does not need the name in the token.
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

/** An identity provider of the host's own, and a `Provider` whose only source it is. */
class HostSource {
  /** The host's token objects, the current one and the one before, by the token's text. */
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
