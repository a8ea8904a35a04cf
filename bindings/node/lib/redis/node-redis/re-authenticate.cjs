'use strict';

/**
 * Has a listener of node-redis authenticate its client, and says what became of it: node-redis's `onNext()` gives nothing
 * back, and calls `onReAuthenticationError()` without saying whose error it is. But it calls `.catch()` on the promise of
 * its AUTH before `onNext()` returns. For that moment, in which nobody else runs, `.catch()` is ours.
 *
 * `accepted()`: the server took it. `failing(error, tell)`: it did not; `tell()` is node-redis's own handler. `unsent()`:
 * nothing was sent. `unknown()`: what becomes of it cannot be seen here.
 */
function reAuthenticate(listener, credentials, { accepted, unsent, unknown, failing }) {
  const { catch: original } = Promise.prototype;
  let sent;
  const observed = function (handler) {
    sent = this; // the last is the one that onNext() handles
    return original.call(this, (error) => (sent === this ? failing(error, () => handler(error)) : handler(error)));
  };
  if (!Object.getOwnPropertyDescriptor(Promise.prototype, 'catch').writable) {
    unknown(); // a host that hardens its realm
    return listener.onNext(credentials);
  }
  Promise.prototype.catch = observed;
  try {
    listener.onNext(credentials);
  } finally {
    Promise.prototype.catch = original;
  }
  // A subscribed client that speaks RESP2 sends no AUTH, and its promise is kept at once: no server answers so soon.
  let mayBeAnswered = false;
  setImmediate(() => (mayBeAnswered = true));
  sent?.then(
    () => (mayBeAnswered ? accepted() : unsent()),
    () => {},
  );
}

module.exports = { reAuthenticate };
