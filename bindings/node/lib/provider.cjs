'use strict';

const { CALLBACKS, toEntries, toError } = require('./config.cjs');
const { invalidArgument } = require('./errors.cjs');
const native = require('./native.cjs');
const { supplier } = require('./supply.cjs');
const { Token } = require('./token.cjs');
const { warn } = require('./warning.cjs');

const MAX_TIMEOUT_MS = 2 ** 32 - 1;

function timeoutOf({ timeoutMs }) {
  if (timeoutMs === undefined) return undefined;
  if (typeof timeoutMs === 'number' && timeoutMs >= 0) return Math.min(Math.ceil(timeoutMs), MAX_TIMEOUT_MS);
  throw invalidArgument('timeoutMs: a number of milliseconds is needed, not less than 0.');
}

class Provider {
  #handle;
  #usableVersion;
  /** The newest token that came over from the native side. */
  #token;
  #subscribed = 0;
  #closed = false;

  constructor(options = {}) {
    const entries = toEntries(options);
    const suppliers = CALLBACKS.map((name) => supplier(name, options[name]));
    const opened = native.open(entries, ...suppliers);
    if (opened.code !== undefined) throw toError(opened, options);
    this.#handle = opened;
    this.#usableVersion = native.usableVersion(opened);
  }

  async getToken(options) {
    // The native side alone knows the clocks that count suspend and the validity that must be left.
    const version = this.#usableVersion();
    const token = this.#token;
    if (token !== undefined && token.version === version) return token;
    return this.#usable() ?? this.#wait(options);
  }

  current() {
    const version = native.validVersion(this.#handle);
    if (version === 0) return undefined;
    if (this.#token?.version === version) return this.#token;
    return this.#adopt(native.valid(this.#handle));
  }

  get version() {
    return native.version(this.#handle);
  }

  subscribe(listener) {
    if (typeof listener !== 'function') throw invalidArgument('subscribe() takes a function.');
    const id = ++this.#subscribed;
    let told = 0;
    const failure = native.subscribe(this.#handle, id, () => {
      const token = this.current();
      // Several pieces of news may have waited for a busy event loop, or one for an unsubscribe().
      if (told === undefined || token === undefined || token.version <= told) return;
      told = token.version;
      tell(listener, token);
    });
    if (failure) throw toError(failure);
    const unsubscribe = () => {
      told = undefined;
      native.unsubscribe(this.#handle, id);
    };
    return { unsubscribe, [Symbol.dispose ?? Symbol.for('Symbol.dispose')]: unsubscribe };
  }

  close() {
    this.#closed = true;
    this.#token = undefined;
    native.close(this.#handle);
  }

  [Symbol.dispose ?? Symbol.for('Symbol.dispose')]() {
    this.close();
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    this.close();
  }

  #usable() {
    return this.#adopt(native.usable(this.#handle));
  }

  async #wait(options = {}) {
    const answer = await native.waitForToken(this.#handle, timeoutOf(options), options.wait === false);
    if (answer.code !== undefined) throw toError(answer);
    return this.#adopt(answer);
  }

  /** One object for each version, so that callers can compare tokens by identity. */
  #adopt(parts) {
    if (!parts) return undefined;
    const held = this.#token;
    if (held?.version === parts.version) return held;
    const token = new Token(parts);
    if (!this.#closed && (held === undefined || held.version < token.version)) this.#token = token;
    return token;
  }
}

/** A listener that throws, or whose promise rejects, harms nobody; what it threw is shown. */
async function tell(listener, token) {
  try {
    await listener(token);
  } catch (error) {
    warn('ENTRAKEY_LISTENER_FAILED', 'A listener for new tokens failed', error);
  }
}

module.exports = { Provider };
