'use strict';

const { AsyncLocalStorage } = require('node:async_hooks');
const diagnostics = require('node:diagnostics_channel');

/**
 * node-redis's default, which it does not export: the delay doubles up to two seconds, and a socket time-out ends it.
 */
function defaultStrategy(retries, cause) {
  if (cause?.constructor?.name === 'SocketTimeoutError') return false;
  return Math.min(2 ** retries * 50, 2000) + Math.floor(Math.random() * 200);
}

/**
 * The socket options of a client, with a reconnectStrategy that first passes the error of a failed connect to
 * `refused`.
 * `refused` may explain the error: the client's listeners and its connect() then get the same object.
 */
function watchedSocket(socket, refused) {
  const strategy = socket?.reconnectStrategy ?? defaultStrategy;
  const reconnectStrategy = (retries, cause) => {
    refused(cause);
    return typeof strategy === 'function' ? strategy(retries, cause) : strategy;
  };
  return { ...socket, reconnectStrategy };
}

/**
 * The connect that the current code runs in, the client's own reconnects included: `{ asker, registration }`, WeakRefs.
 */
let underWay;

/** To be called before a client is made: from then on `watchConnect` knows which connect asks for a token. */
function watchConnects() {
  underWay ??= watch();
}

/**
 * To be called while a connect asks `asker` for a token. If the connect fails, `asker.refusedAtConnect(error)` is
 * called, by the diagnostics channels of node-redis (5.12 and newer). For connects whose reconnectStrategy is not ours:
 * a cluster's first ones, which have none, and those of a client that was given a bare credentials provider. Returns
 * the connect, the same one each time that the client connects anew by itself; undefined with an older node-redis.
 */
function watchConnect(asker) {
  const connect = underWay.getStore();
  // Weak: whatever is made in this context, such as a timer, keeps the store.
  if (connect !== undefined) connect.asker = new WeakRef(asker);
  return connect;
}

function watch() {
  const storage = new AsyncLocalStorage();
  /**
   * Our connects by node-redis's own context object. That cannot be the store itself: its error would keep the client.
   */
  const connects = new WeakMap();
  const tell = (connect, error) => connect?.asker?.deref()?.refusedAtConnect(error);
  const connecting = diagnostics.tracingChannel('node-redis:connect');
  connecting.start.bindStore(storage, (context) => {
    const connect = { asker: undefined };
    connects.set(context, connect);
    return connect;
  });
  connecting.subscribe({ error: (context) => tell(connects.get(context), context.error) });
  // node-redis handles `internal` errors itself; they follow from the first one.
  diagnostics.subscribe('node-redis:error', ({ error, internal }) => {
    if (!internal) tell(storage.getStore(), error);
  });
  return storage;
}

module.exports = { watchConnect, watchConnects, watchedSocket };
