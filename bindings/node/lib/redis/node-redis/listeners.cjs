'use strict';

/** Whether node-redis made the listener: its source calls `reAuthenticate`, a name that bundlers and minifiers keep. */
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

/** A listener, and the token that it was told of last. */
class Registration {
  /**
   * The version that the listener was told of last; undefined until its first token, while node-redis is in its
   * handshake.
   */
  told;
  /** The ledger's entry for its connection, if the listener is node-redis's own. */
  entry;
  #held;

  constructor(listener) {
    this.isConnection = belongsToNodeRedis(listener);
    this.#held = this.isConnection ? new WeakRef(listener) : new Strong(listener);
  }

  get listener() {
    return this.#held.deref();
  }

  /** Takes its connection out of the ledger. */
  uncounted() {
    this.entry?.closed();
    this.entry = undefined;
  }

  /** Whether the listener has to be told of the token of this version. */
  awaits(version) {
    if (this.told === undefined) return false;
    return this.entry === undefined ? this.told < version : this.told !== version && this.entry.isBehind(version);
  }
}

/**
 * The listeners of one credentials provider.
 *
 * node-redis keeps the disposable of a connection and, when it reconnects, overwrites the disposable without disposing:
 * the old listener would be told for ever, and would re-authenticate its client once more for each reconnect. From
 * node-redis 5.12 on we know which client connects anew; with older versions only the disposable holds the listener,
 * and both are collected together. The listeners of other subscribers are held until `dispose()`.
 */
class Listeners {
  #all = new Set();
  #ended;
  #collected = new FinalizationRegistry((registration) => this.end(registration));

  /** `ended()` is called when no listener is left. */
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

  /** A registration, and the disposable that ends it. */
  add(listener) {
    const registration = new Registration(listener);
    this.#all.add(registration);
    const disposable = {
      listener, // as long as the client keeps the disposable, the listener is not collected
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
