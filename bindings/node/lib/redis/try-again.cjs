'use strict';

/** The delay before another AUTH, if the last got no answer, or one that says nothing about the token. */
const WAIT_MS = 2000;

/**
 * Calls `renew(connection)` later, unless the connection is collected first. Keeps neither it nor the process alive.
 */
function tryAgain(connection, renew) {
  const held = new WeakRef(connection);
  setTimeout(() => held.deref() && void renew(held.deref()), WAIT_MS).unref();
}

module.exports = { tryAgain };
