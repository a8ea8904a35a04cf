'use strict';

const { nodeAddressMap, servername } = require('./lib/redis/addresses.cjs');
const { unprinted } = require('./lib/redis/discretion.cjs');
const { NodeRedisCredentials } = require('./lib/redis/node-redis/credentials.cjs');
const { withCredentials } = require('./lib/redis/node-redis/options.cjs');
const { providerOf } = require('./lib/redis/provider-of.cjs');
const { reporterOf } = require('./lib/redis/re-authentication-errors.cjs');

const toCredentials = ({ username, secret }) => unprinted({ username, password: secret }, 'password');

/** A credentials provider for node-redis, and what is to be told of connects that failed. */
function credentialsOf(provider, { onReAuthenticationError } = {}) {
  const credentials = new NodeRedisCredentials(provider, toCredentials);
  const report = reporterOf(onReAuthenticationError);
  const credentialsProvider = {
    type: 'streaming-credentials-provider',

    subscribe: (listener) => credentials.subscribe(listener),

    onReAuthenticationError(error) {
      const shown = credentials.explained(error);
      if (shown !== undefined) void report(shown);
    },
  };
  return { credentialsProvider, refused: (error) => credentials.refusedAtConnect(error) };
}

function credentialsProvider(given, options) {
  return credentialsOf(providerOf(given, 'credentialsProvider() takes'), options).credentialsProvider;
}

function clientOptions(options, given, { allowPlaintext, ...more } = {}) {
  const provider = providerOf(given, 'clientOptions() takes the options of a client and');
  return withCredentials(options, credentialsOf(provider, more), { allowPlaintext });
}

module.exports = { clientOptions, credentialsProvider, nodeAddressMap, servername };
