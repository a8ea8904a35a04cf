'use strict';

const { invalidArgument } = require('../errors.cjs');
const { Provider } = require('../provider.cjs');

let shared;

/** The provider of all clients that were given none: the environment says whose tokens these are. Kept by its users. */
function environmentsOwn() {
  let provider = shared?.deref();
  if (provider === undefined || provider.status().state === 'closed') {
    provider = new Provider();
    shared = new WeakRef(provider);
  }
  return provider;
}

/** The provider that a caller gave, or the environment's own. `taker`: who takes it, for the error about anything else. */
function providerOf(given, taker) {
  if (given === undefined) return environmentsOwn();
  if (typeof given?.getToken !== 'function' || typeof given.subscribe !== 'function') {
    throw invalidArgument(`${taker} a Provider of entrakey.`);
  }
  return given;
}

module.exports = { providerOf };
