'use strict';

const { CALLBACKS, toEntries, toError } = require('./config.cjs');
const { invalidArgument } = require('./errors.cjs');
const native = require('./native.cjs');
const { Token } = require('./token.cjs');

const DISPOSE = Symbol.dispose ?? Symbol.for('Symbol.dispose');
const ASYNC_DISPOSE = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose');

// Loaded when first needed: a program that does not use them shall not pay for them at its start.
const events = () => require('./observation.cjs');
const status = () => require('./status.cjs');
const subscriptions = () => require('./subscription.cjs');
const supply = () => require('./request.cjs');
const waiting = () => require('./waiting.cjs');

/** The longest delay that a timer takes. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const MAX_TIMEOUT_MS = 2 ** 32 - 1;

function timeoutOf({ timeoutMs }) {
  if (timeoutMs === undefined) return undefined;
  if (typeof timeoutMs === 'number' && timeoutMs >= 0) return Math.min(Math.ceil(timeoutMs), MAX_TIMEOUT_MS);
  throw invalidArgument('timeoutMs: a number of milliseconds is needed, not less than 0.');
}

class Provider {
  #handle;
  /** The newest token that came over from the native side. */
  #token;
  /** Between these, by the wall clock, `#token` is handed out without asking the native side. */
  #usableFrom = Infinity;
  #usableUntil = -Infinity;
  /** Ends that period by the monotonic clock, which cannot be set. */
  #timer;
  #subscribed = 0;
  /** Subscriptions by id. Kept here, so that they live as long as the provider, which the native side holds weakly. */
  #subscriptions = new Map();
  #closed = false;
  #listeners;

  constructor(options = {}) {
    const entries = toEntries(options);
    const suppliers = CALLBACKS.map((name) =>
      options[name] === undefined ? undefined : supply().supplier(name, options[name]),
    );
    const opened = native.open(entries, ...suppliers);
    if (opened.code !== undefined) throw toError(opened, options);
    this.#handle = opened;
    const self = new WeakRef(this); // the native side must not keep the provider from being collected
    const failure = native.onToken(opened, () => self.deref()?.#usable());
    if (failure) throw toError(failure);
  }

  async getToken(options) {
    const now = Date.now();
    if (now < this.#usableUntil && now >= this.#usableFrom && options === undefined) return this.#token;
    options?.signal?.throwIfAborted();
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

  async ready(options) {
    await this.getToken(options);
  }

  refresh() {
    const failure = native.refresh(this.#handle);
    if (failure) throw toError(failure);
  }

  reportRejected(version, message) {
    if (typeof version !== 'number' || typeof message !== 'string') {
      throw invalidArgument("reportRejected() takes the token's version and the server's message.");
    }
    const rejection = native.reportRejected(this.#handle, version, message);
    if (rejection.code !== undefined) throw toError(rejection);
    return rejection;
  }

  status() {
    return status().toStatus(native.status(this.#handle));
  }

  metrics() {
    return native.metrics([this.#handle]);
  }

  static metricsOf(providers) {
    return native.metrics(Array.from(providers, (provider) => provider.#handle));
  }

  subscribe(listener) {
    if (typeof listener !== 'function') throw invalidArgument('subscribe() takes a function.');
    const id = ++this.#subscribed;
    const owner = { current: () => this.current(), forget: () => this.#subscriptions.delete(id) };
    const subscription = new (subscriptions().Subscription)(this.#handle, id, listener, owner);
    const failure = native.subscribe(this.#handle, id, Provider.#newsFor(new WeakRef(this), id));
    if (failure) throw toError(failure);
    this.#subscriptions.set(id, subscription);
    return subscription;
  }

  on(name, listener) {
    return this.#listen(name, listener, false);
  }

  once(name, listener) {
    return this.#listen(name, listener, true);
  }

  off(name, listener) {
    this.#listeners?.remove(name, listener);
    if (this.#listeners?.isEmpty) native.unobserve(this.#handle);
    return this;
  }

  close() {
    this.#closed = true;
    this.#subscriptions.clear();
    this.#forget();
    native.close(this.#handle);
  }

  [DISPOSE]() {
    this.close();
  }

  async [ASYNC_DISPOSE]() {
    this.close();
  }

  #listen(name, listener, once) {
    const listeners = (this.#listeners ??= new (events().Listeners)());
    const first = listeners.isEmpty;
    listeners.add(name, listener, once);
    if (first) {
      const failure = native.observe(this.#handle, Provider.#eventsFor(new WeakRef(this)));
      if (failure) throw toError(failure);
    }
    return this;
  }

  // Callbacks for the native side. They must keep neither the provider nor a host's listener, which may refer to the
  // provider. Each is made in a function of its own: closures of one call share a scope, and keep whatever any of them
  // uses.

  static #newsFor(self, id) {
    return () => self.deref()?.#subscriptions.get(id)?.tell();
  }

  static #eventsFor(self) {
    return (parts) => {
      const event = events().toEvent(parts);
      self.deref()?.#listeners.tell(event.name, event);
    };
  }

  #usable() {
    return this.#adopt(native.usable(this.#handle));
  }

  async #wait(options = {}) {
    const answer = await waiting().waitFor(this.#handle, timeoutOf(options), options);
    if (answer.code !== undefined) throw toError(answer);
    return this.#adopt(answer);
  }

  /** One object for each version, so that callers can compare tokens by identity. */
  #adopt(parts) {
    if (!parts) return undefined;
    const held = this.#token;
    if (this.#closed || (held !== undefined && held.version > parts.version)) return new Token(parts);
    if (held?.version !== parts.version) this.#token = new Token(parts);
    this.#serveFor(parts.usableFor);
    return this.#token;
  }

  /**
   * Two clocks bound it: the wall clock goes on during suspend but can be set; a timer's clock stops but cannot be set.
   */
  #serveFor(ms) {
    this.#usableFrom = Date.now();
    this.#usableUntil = this.#usableFrom + ms;
    clearTimeout(this.#timer);
    const self = new WeakRef(this);
    this.#timer = setTimeout(() => self.deref()?.#ask(), Math.min(ms, LONGEST_TIMER_MS)).unref();
  }

  /** Forgets the token at hand, so that the next call asks the native side. */
  #ask() {
    this.#usableUntil = -Infinity;
  }

  #forget() {
    this.#ask();
    this.#token = undefined;
    clearTimeout(this.#timer);
  }
}

module.exports = { Provider };
