'use strict';

const { invalidArgument } = require('./errors.cjs');
const native = require('./native.cjs');
const { milliseconds } = require('./time.cjs');

/**
 * The text, expiry and user name in a callback's answer, which is a string or an object like azure-identity's
 * AccessToken.
 */
function partsOf(supplied) {
  if (typeof supplied === 'string') return [supplied, undefined];
  const { token, expiresOnTimestamp, username } = supplied ?? {};
  if (typeof token === 'string') {
    const expires = expiresOnTimestamp == null ? undefined : milliseconds(expiresOnTimestamp, 'expiresOnTimestamp');
    return [token, expires, typeof username === 'string' && username !== '' ? username : undefined];
  }
  // The error names the type, never the value, which may be a secret.
  throw new TypeError(`a callback gives a string or { token, expiresOnTimestamp }, not ${typeof supplied}`);
}

/** What was thrown, which may be anything, in words. */
function reasonOf(error) {
  try {
    return String(error);
  } catch {
    return 'it threw something that cannot be shown';
  }
}

/** A function for the native side that answers a request with what `callback` gives, or its promise. */
function supplier(name, callback) {
  if (callback === undefined) return undefined;
  if (typeof callback !== 'function') throw invalidArgument(`${name} takes a function.`);
  return async (request, scope) => {
    try {
      native.completeRequest(request, ...partsOf(await (scope == null ? callback() : callback(scope))));
    } catch (error) {
      native.failRequest(request, reasonOf(error));
    }
  };
}

module.exports = { supplier };
