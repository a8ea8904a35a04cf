'use strict';

const { invalidArgument } = require('./errors.cjs');
const { hold } = require('./holding.cjs');
const native = require('./native.cjs');
const { warn } = require('./warning.cjs');

const DISPOSE = Symbol.dispose ?? Symbol.for('Symbol.dispose');

class Subscription {
  #handle;
  #id;
  #listener;
  /** The provider's side. It refers to the provider, so the subscription keeps the provider alive. */
  #owner;
  /**
   * The version that the listener was told of last; undefined after the end, when the listener is not called any more.
   */
  #told = 0;
  /** Calls of the listener whose promises have not settled. */
  #underWay = new Set();

  constructor(handle, id, listener, owner) {
    this.#handle = handle;
    this.#id = id;
    this.#listener = listener;
    this.#owner = owner;
  }

  /** Called by the provider when there may be a newer token. */
  tell() {
    const token = this.#owner.current();
    // A busy event loop may deliver several calls at once, or one after unsubscribe().
    if (this.#told === undefined || token === undefined || token.version <= this.#told) return;
    this.#told = token.version;
    const call = guarded(this.#listener, token).finally(() => this.#underWay.delete(call));
    this.#underWay.add(call);
  }

  ack(version, accepted) {
    if (typeof version !== 'number' || typeof accepted !== 'boolean') {
      throw invalidArgument("ack() takes the token's version and whether the server accepted it.");
    }
    native.acknowledge(this.#handle, this.#id, version, accepted);
  }

  opened(version) {
    if (typeof version !== 'number') throw invalidArgument("opened() takes the token's version.");
    return new Connection(native.opened(this.#handle, this.#id, version));
  }

  async unsubscribe({ timeoutMs = 5000 } = {}) {
    this.#end();
    if (this.#underWay.size === 0) return true;
    const release = hold();
    let timer;
    const over = new Promise((resolve) => (timer = setTimeout(resolve, timeoutMs, false)));
    const returned = Promise.all(this.#underWay).then(() => true);
    try {
      return await Promise.race([returned, over]);
    } finally {
      clearTimeout(timer);
      release();
    }
  }

  [DISPOSE]() {
    this.#end();
  }

  #end() {
    this.#told = undefined;
    native.unsubscribe(this.#handle, this.#id);
    this.#owner.forget();
  }
}

/**
 * A connection in the ledger. If its subscription had ended before, the ledger has no entry: then it is never behind.
 */
class Connection {
  #known;

  constructor(known) {
    this.#known = known ?? undefined;
  }

  isBehind(version) {
    return this.#known !== undefined && native.isBehind(this.#known, version);
  }

  authenticated(version) {
    if (this.#known !== undefined) native.authenticated(this.#known, version);
  }

  refused(version, message) {
    const rejection = this.#known && native.refused(this.#known, version, message);
    return rejection?.code === undefined ? rejection : undefined;
  }

  closed() {
    if (this.#known !== undefined) native.disconnected(this.#known);
  }
}

/** Calls a listener. If it throws, or its promise rejects, that is only shown as a warning. */
async function guarded(listener, token) {
  try {
    await listener(token);
  } catch (error) {
    warn('ENTRAKEY_LISTENER_FAILED', 'A listener for new tokens failed', error);
  }
}

module.exports = { Subscription };
