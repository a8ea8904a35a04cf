'use strict';

/** node-redis's own listener says so; property names survive bundlers and minifiers. */
const belongsToNodeRedis = (listener) => /\breAuthenticate\b/.test(Function.prototype.toString.call(listener.onNext));

/** Like a WeakRef, but strong. */
class Strong {
  #target;

  constructor(target) {
    this.#target = target;
  }

  deref() {
    return this.#target;
  }
}

/** Who is told of new credentials, and since which token. */
class Registration {
  /** The version that it was told of last; undefined before its first, when node-redis is in its handshake. */
  told;
  /** What the ledger knows of its connection, if it is one of node-redis's. */
  entry;
  #held;

  constructor(listener) {
    this.isConnection = belongsToNodeRedis(listener);
    this.#held = this.isConnection ? new WeakRef(listener) : new Strong(listener);
  }

  get listener() {
    return this.#held.deref();
  }

  /** From now on the ledger does not know its connection. */
  uncounted() {
    this.entry?.closed();
    this.entry = undefined;
  }

  /** Whether it has to hear of the token of this version. */
  awaits(version) {
    if (this.told === undefined) return false;
    return this.entry === undefined ? this.told < version : this.told !== version && this.entry.isBehind(version);
  }
}

/**
 * The listeners of one credentials provider.
 *
 * node-redis keeps the disposable of a connection and, when it reconnects, overwrites it without disposing: the old
 * listener would be told for ever, and re-authenticate its client once more for each reconnect. Which client connects anew is
 * known from node-redis 5.12 on; for older ones its listeners are held by their disposables alone and go with them. Whoever else subscribes is held until `dispose()`.
 */
class Listeners {
  #all = new Set();
  #ended;
  #collected = new FinalizationRegistry((registration) => this.end(registration));

  /** `ended()` is called when nobody is left. */
  constructor(ended) {
    this.#ended = ended;
  }

  get size() {
    return this.#all.size;
  }

  /** The registrations whose listeners are still there. */
  alive() {
    for (const registration of this.#all) if (registration.listener === undefined) this.end(registration);
    return [...this.#all];
  }

  /** A registration, and what ends it. */
  add(listener) {
    const registration = new Registration(listener);
    this.#all.add(registration);
    const disposable = {
      listener, // keeps it while the client keeps this
      dispose: () => this.end(registration),
    };
    if (registration.isConnection) this.#collected.register(disposable, registration);
    return [registration, disposable];
  }

  end(registration) {
    if (!this.#all.delete(registration)) return;
    registration.entry?.closed();
    if (this.#all.size === 0) this.#ended();
  }
}

module.exports = { Listeners };
