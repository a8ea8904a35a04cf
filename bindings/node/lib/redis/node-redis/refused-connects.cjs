'use strict';

const { AsyncLocalStorage } = require('node:async_hooks');
const diagnostics = require('node:diagnostics_channel');

/** node-redis's own, which it has no name for: a delay that doubles up to two seconds, and an end at a socket time-out. */
function defaultStrategy(retries, cause) {
  if (cause?.constructor?.name === 'SocketTimeoutError') return false;
  return Math.min(2 ** retries * 50, 2000) + Math.floor(Math.random() * 200);
}

/**
 * The socket options of a client whose reconnectStrategy lets `refused` see first why a connect failed: the same error is
 * then given to the client's listeners and its connect().
 */
function watchedSocket(socket, refused) {
  const strategy = socket?.reconnectStrategy ?? defaultStrategy;
  const reconnectStrategy = (retries, cause) => {
    refused(cause);
    return typeof strategy === 'function' ? strategy(retries, cause) : strategy;
  };
  return { ...socket, reconnectStrategy };
}

/** The connect that is under way, also when the client connects anew by itself: `{ asker, registration }`, WeakRefs. */
let underWay;

/** To be called before there is a client: from now on it is known which connect asks for a token. */
function watchConnects() {
  underWay ??= watch();
}

/**
 * To be called by whoever is being asked for a token: `asker.refusedAtConnect(error)` learns why that connect failed, from what
 * node-redis (5.12 and newer) publishes. For connects whose reconnectStrategy is not ours: a cluster's first ones, which
 * have none, and those of a client that was given a bare credentials provider. Gives the connect, the same one each time that
 * the client connects anew by itself; undefined with an older node-redis.
 */
function watchConnect(asker) {
  const connect = underWay.getStore();
  if (connect !== undefined) connect.asker = new WeakRef(asker); // whatever is made meanwhile, a timer for one, keeps the store
  return connect;
}

function watch() {
  const storage = new AsyncLocalStorage();
  /** By node-redis's own object for a connect, which is no store: its error would keep the client. */
  const connects = new WeakMap();
  const tell = (connect, error) => connect?.asker?.deref()?.refusedAtConnect(error);
  const connecting = diagnostics.tracingChannel('node-redis:connect');
  connecting.start.bindStore(storage, (context) => {
    const connect = { asker: undefined };
    connects.set(context, connect);
    return connect;
  });
  connecting.subscribe({ error: (context) => tell(connects.get(context), context.error) });
  // What it deals with itself (`internal`) are errors that follow from the first one.
  diagnostics.subscribe('node-redis:error', ({ error, internal }) => {
    if (!internal) tell(storage.getStore(), error);
  });
  return storage;
}

module.exports = { watchConnect, watchConnects, watchedSocket };
