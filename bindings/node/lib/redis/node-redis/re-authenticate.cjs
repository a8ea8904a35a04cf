'use strict';

/**
 * Lets a listener of node-redis authenticate its client, and reports the outcome. For the time of one synchronous call
 * this replaces Promise.prototype.catch: node-redis's `onNext()` returns nothing, and calls `onReAuthenticationError()`
 * without saying whose error it is, but before it returns it calls `.catch()` on the promise of its AUTH. No other code
 * runs then.
 *
 * `accepted()`: the server took the token. `failing(error, tell)`: AUTH failed; `tell()` is node-redis's own handler.
 * `unsent()`: nothing was sent. `unknown()`: the outcome cannot be seen here.
 */
function reAuthenticate(listener, credentials, { accepted, unsent, unknown, failing }) {
  const { catch: original } = Promise.prototype;
  let sent;
  const observed = function (handler) {
    sent = this; // of several promises, the last one is the AUTH's
    return original.call(this, (error) => (sent === this ? failing(error, () => handler(error)) : handler(error)));
  };
  if (!Object.getOwnPropertyDescriptor(Promise.prototype, 'catch').writable) {
    unknown(); // the host has frozen the built-in objects
    return listener.onNext(credentials);
  }
  Promise.prototype.catch = observed;
  try {
    listener.onNext(credentials);
  } finally {
    Promise.prototype.catch = original;
  }
  // A subscribed client that speaks RESP2 sends no AUTH, and its promise is fulfilled before any server could answer.
  let mayBeAnswered = false;
  setImmediate(() => (mayBeAnswered = true));
  sent?.then(
    () => (mayBeAnswered ? accepted() : unsent()),
    () => {},
  );
}

module.exports = { reAuthenticate };
