'use strict';

/** How long after an AUTH that got no answer, or one that says nothing of the token, it is tried again. */
const WAIT_MS = 2000;

/** Calls `renew(connection)` after a while, if there is still a connection; keeps neither it nor the process. */
function tryAgain(connection, renew) {
  const held = new WeakRef(connection);
  setTimeout(() => held.deref() && void renew(held.deref()), WAIT_MS).unref();
}

module.exports = { tryAgain };
