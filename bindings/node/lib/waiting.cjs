'use strict';

const { hold } = require('./holding.cjs');
const native = require('./native.cjs');

/**
 * The native side's answer, token or failure. The process stays alive until the answer comes or the wait is given up.
 */
function waitFor(handle, timeoutMs, { wait, signal }) {
  const { promise, resolve, reject } = deferred();
  const release = hold();
  const abort = () => reject(signal.reason);
  signal?.addEventListener('abort', abort, { once: true });
  const end = () => {
    release();
    signal?.removeEventListener('abort', abort);
  };
  try {
    native.waitForToken(handle, timeoutMs, wait !== false, resolve);
  } catch (error) {
    reject(error);
  }
  promise.then(end, end);
  return promise;
}

/** Promise.withResolvers(), which Node.js 20 does not have. */
function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

module.exports = { waitFor };
