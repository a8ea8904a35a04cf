'use strict';

const { invalidArgument } = require('./errors.cjs');
const native = require('./native.cjs');
const { milliseconds } = require('./time.cjs');

/** A token whose supplier knows the user name too. */
class Supplied {
  constructor(token, expiresOnTimestamp, username) {
    Object.assign(this, { token, expiresOnTimestamp, username });
  }
}

/** The text, the expiry and the user name in what a callback gave: a text, or an object like azure-identity's AccessToken. */
function partsOf(supplied) {
  if (typeof supplied === 'string') return [supplied];
  const { token, expiresOnTimestamp: time } = supplied ?? {};
  if (typeof token === 'string') {
    const username = supplied instanceof Supplied ? supplied.username : undefined;
    return [token, time == null ? undefined : milliseconds(time, 'expiresOnTimestamp'), username];
  }
  // Never the value itself, which may be a secret.
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

module.exports = { Supplied, supplier };
