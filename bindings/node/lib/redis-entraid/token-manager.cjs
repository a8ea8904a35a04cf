'use strict';

const { inspect } = require('node:util');

/** A token and its times, as @redis/client's `Token`. */
class ManagedToken {
  constructor(value, expiresAtMs, receivedAtMs) {
    this.value = value;
    this.expiresAtMs = expiresAtMs;
    this.receivedAtMs = receivedAtMs;
  }

  getTtlMs(now) {
    return Math.max(0, this.expiresAtMs - now);
  }

  /** What prints and JSON show: not the token, which may be a host's own object. */
  toJSON() {
    const { expiresAtMs, receivedAtMs } = this;
    return { expiresAtMs, receivedAtMs };
  }

  [inspect.custom](depth, options) {
    return `ManagedToken ${inspect(this.toJSON(), { ...options, depth })}`;
  }
}

/** The methods of @redis/client's `TokenManager` that programs call. It only reports: a `Provider` does the work. */
class TokenManager {
  #current = null;
  #listener = null;

  constructor(identityProvider, config) {
    const ratio = config?.expirationRefreshRatio;
    if (ratio > 1) throw new Error('expirationRefreshRatio must be less than or equal to 1');
    if (ratio < 0) throw new Error('expirationRefreshRatio must be greater or equal to 0');
    this.identityProvider = identityProvider;
    this.config = config;
  }

  /** The listener is told of each new token of the credentials provider, and of errors, until `dispose()`. */
  start(listener) {
    this.#listener = listener;
    return {
      dispose: () => {
        if (this.#listener === listener) this.#stop();
      },
    };
  }

  isRunning() {
    return this.#listener !== null;
  }

  getCurrentToken() {
    return this.#current;
  }

  wrapAndSetCurrentToken(nativeToken, ttlMs) {
    const now = Date.now();
    this.#current = new ManagedToken(nativeToken, now + ttlMs, now);
    return this.#current;
  }

  calculateRefreshTime(token, now = Date.now()) {
    return Math.floor(token.getTtlMs(now) * this.config.expirationRefreshRatio);
  }

  /** The delay before the first retry. It doubles with each further one. */
  calculateRetryDelay() {
    return this.config.retry?.initialDelayMs ?? 0;
  }

  /** For the credentials provider, which tells the listener by these functions. */
  tell(what, value) {
    this.#listener?.[what](value);
  }

  #stop() {
    this.#listener = null;
    this.#current = null;
  }
}

module.exports = { TokenManager };
