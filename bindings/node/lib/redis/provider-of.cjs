'use strict';

const { invalidArgument } = require('../errors.cjs');
const { Provider } = require('../provider.cjs');

let shared;

/**
 * The provider of all clients that were given none, configured by the environment. Only those clients keep it alive.
 */
function environmentsOwn() {
  let provider = shared?.deref();
  if (provider === undefined || provider.status().state === 'closed') {
    provider = new Provider();
    shared = new WeakRef(provider);
  }
  return provider;
}

/**
 * The provider that a caller gave, or the environment's. `taker` names the function in the error about a wrong
 * argument.
 */
function providerOf(given, taker) {
  if (given === undefined) return environmentsOwn();
  if (typeof given?.getToken !== 'function' || typeof given.subscribe !== 'function') {
    throw invalidArgument(`${taker} a Provider of entrakey.`);
  }
  return given;
}

module.exports = { providerOf };
