'use strict';

/** node-redis's own listener says so; property names survive bundlers and minifiers. */
const belongsToNodeRedis = (listener) => /\breAuthenticate\b/.test(Function.prototype.toString.call(listener.onNext));

const messageOf = (error) => (error instanceof Error ? error.message : String(error));

const isClosed = (error) => /\bclosed?\b/i.test(messageOf(error));

/** What node-redis 5 and 6 and sockets say of a connection that has gone; its errors keep nothing else of the first one. */
const GONE = [
  'The client is closed',
  'The client is offline',
  'Disconnects client',
  'Socket closed unexpectedly',
  'Connection timeout',
  'Socket timeout',
  'Client network socket disconnected',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
];

/** Whether this failure only means that: the next connection has the newest token. */
const isGone = (error) => GONE.some((text) => messageOf(error).includes(text));

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

/**
 * The listeners of one credentials provider.
 *
 * node-redis keeps the disposable of a connection and, when it reconnects, overwrites it without disposing: the old
 * listener would be told for ever, and re-authenticate its client once more for each reconnect. So its listeners are
 * held by their disposables alone and go with them; one whose client is closed is dropped when it says so. Whoever
 * else subscribes is held until `dispose()`.
 */
class NodeRedisListeners {
  #all = new Set();
  /** The registration whose listener is being told. */
  #telling;
  #collected = new FinalizationRegistry((registration) => this.#end(registration));

  get size() {
    return this.#all.size;
  }

  /** Those that are still there. */
  alive() {
    return [...this.#all].map(({ held }) => held.deref()).filter((listener) => listener !== undefined);
  }

  /** `subscribe(tell)` registers with a provider and gives the end of it; `tell(credentials)` is for its news. */
  add(listener, subscribe) {
    const weak = belongsToNodeRedis(listener);
    const held = weak ? new WeakRef(listener) : new Strong(listener); // no closure here may capture the listener
    const registration = { end: undefined, held };
    registration.end = subscribe((credentials) => this.#tell(registration, held.deref(), credentials));
    this.#all.add(registration);
    const disposable = {
      listener, // keeps it while the client keeps this
      dispose: () => this.#end(registration),
    };
    if (weak) this.#collected.register(disposable, registration);
    return disposable;
  }

  /** True if this failure only means that the listener's client is closed; that listener is then gone. */
  dropClosed(error) {
    const registration = this.#telling;
    if (registration === undefined || !isClosed(error)) return false;
    this.#end(registration);
    return true;
  }

  #tell(registration, listener, credentials) {
    if (listener === undefined) return this.#end(registration);
    this.#telling = registration;
    try {
      listener.onNext(credentials);
    } finally {
      this.#afterMicrotasks(registration);
    }
  }

  /** A client that is closed says so in the microtasks that follow; what comes later is of somebody else. */
  async #afterMicrotasks(registration) {
    for (let tick = 0; tick < 20; tick++) await undefined;
    if (this.#telling === registration) this.#telling = undefined;
  }

  #end(registration) {
    if (this.#all.delete(registration)) registration.end();
  }
}

module.exports = { NodeRedisListeners, isGone };
