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

/** node-redis's own object for the connect that is under way, also when the client connects anew by itself. */
let underWay;
/** Whose token each of them asked for. */
const askers = new WeakMap();

/** To be called before there is a client: from now on it is known which connect asks for a token. */
function watchConnects() {
  underWay ??= watch();
}

/**
 * To be called by whoever is being asked for a token: `asker.refused(error)` learns why that connect failed, from what
 * node-redis (5.12 and newer) publishes. For connects whose reconnectStrategy is not ours: a cluster's first ones, which
 * have none, and those of a client that was given a bare credentials provider.
 */
function watchConnect(asker) {
  const connect = underWay.getStore();
  if (connect !== undefined) askers.set(connect, asker);
}

function watch() {
  const storage = new AsyncLocalStorage();
  const connects = diagnostics.tracingChannel('node-redis:connect');
  connects.start.bindStore(storage);
  connects.subscribe({ error: (connect) => askers.get(connect)?.refused(connect.error) });
  // What it deals with itself (`internal`) are errors that follow from the first one.
  diagnostics.subscribe('node-redis:error', ({ error, internal }) => {
    if (!internal) askers.get(storage.getStore())?.refused(error);
  });
  return storage;
}

module.exports = { watchConnect, watchConnects, watchedSocket };
