'use strict';

const { NodeRedisCredentials } = require('../redis/node-redis/credentials.cjs');
const { reporterOf } = require('../redis/re-authentication-errors.cjs');
const { warn } = require('../warning.cjs');
const { DEFAULT_CREDENTIALS_MAPPER } = require('./mappers.cjs');
const { HostSource, OwnSource } = require('./sources.cjs');
const { TokenManager } = require('./token-manager.cjs');

const showReAuthenticationError = (error) => console.error('ReAuthenticationError', error);

class EntraidCredentialsProvider {
  type = 'streaming-credentials-provider';
  #options;
  #toCredentials;
  #source;
  #credentials;
  /** The version that the token manager has. */
  #managed = 0;

  constructor(tokenManager, idp, options = {}) {
    this.tokenManager = tokenManager;
    this.idp = idp;
    this.#options = options;
    this.#toCredentials = options.credentialsMapper ?? DEFAULT_CREDENTIALS_MAPPER;
    const report = reporterOf(options.onReAuthenticationError ?? showReAuthenticationError);
    this.onReAuthenticationError = (error) => {
      const shown = this.#credentials === undefined ? error : this.#credentials.explained(error);
      if (shown !== undefined) void report(shown);
    };
  }

  subscribe(listener) {
    return this.#begun().subscribe(listener);
  }

  hasActiveSubscriptions() {
    return this.getSubscriptionsCount() > 0;
  }

  getSubscriptionsCount() {
    return this.#credentials?.size ?? 0;
  }

  getTokenManager() {
    return this.tokenManager;
  }

  getCurrentCredentials() {
    const token = this.hasActiveSubscriptions() ? this.#source.provider.current() : undefined;
    return token === undefined ? null : this.#map(token);
  }

  /** Made at the first subscription, not before: a test may ask the identity provider alone. */
  #begun() {
    if (this.#credentials !== undefined) return this.#credentials;
    this.#source =
      this.idp instanceof OwnSource
        ? this.idp
        : new HostSource(this.idp, this.tokenManager.config, this.#toCredentials);
    const { provider } = this.#source;
    this.#credentials = new NodeRedisCredentials(provider, (token) => this.#map(token));
    const self = new WeakRef(this); // event listeners must not keep this object from being collected
    provider.on('refresh_failed', (event) => self.deref()?.#failed(event));
    provider.on('token_refreshed', () => self.deref()?.#refreshed());
    return this.#credentials;
  }

  #map(token) {
    this.#manage(token);
    return this.#toCredentials(this.#source.nativeOf(token));
  }

  /** Lets the token manager know of a token, once. */
  #manage(token) {
    if (token.version <= this.#managed) return undefined;
    this.#managed = token.version;
    return this.tokenManager.wrapAndSetCurrentToken(
      this.#source.nativeOf(token),
      token.expiresOn.getTime() - Date.now(),
    );
  }

  #refreshed() {
    const token = this.#source.provider.current();
    const managed = token === undefined ? undefined : this.#manage(token);
    if (managed !== undefined && this.tokenManager instanceof TokenManager) this.tokenManager.tell('onNext', managed);
  }

  #failed({ error }) {
    const told = Object.assign(new Error(error.message), { name: 'IDPError', isRetryable: error.retriable });
    if (this.tokenManager instanceof TokenManager) this.tokenManager.tell('onError', told);
    if (error.retriable) {
      this.#options.onRetryableError?.(error.message);
      return;
    }
    for (const listener of this.#credentials.listeners()) {
      try {
        listener.onError(told);
      } catch (thrown) {
        warn('ENTRAKEY_LISTENER_FAILED', 'A listener for errors failed', thrown);
      }
    }
  }
}

module.exports = { EntraidCredentialsProvider };
