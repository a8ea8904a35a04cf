'use strict';

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

module.exports = { environmentsOwn };
