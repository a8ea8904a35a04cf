'use strict';

const { nodeAddressMap, servername } = require('./lib/redis/addresses.cjs');
const { unprinted } = require('./lib/redis/discretion.cjs');
const { providerOf } = require('./lib/redis/environments-own.cjs');
const { withCredentials } = require('./lib/redis/node-redis-options.cjs');
const { NodeRedisCredentials } = require('./lib/redis/node-redis-provider.cjs');
const { reporterOf } = require('./lib/redis/re-authentication-errors.cjs');

const toCredentials = ({ username, secret }) => unprinted({ username, password: secret }, 'password');

function credentialsProvider(given, { onReAuthenticationError } = {}) {
  const provider = providerOf(given, 'credentialsProvider() takes');
  const credentials = new NodeRedisCredentials(provider, toCredentials);
  const report = reporterOf(onReAuthenticationError);
  return {
    type: 'streaming-credentials-provider',

    subscribe: (listener) => credentials.subscribe(listener),

    onReAuthenticationError(error) {
      const shown = credentials.explained(error);
      if (shown !== undefined) void report(shown);
    },
  };
}

function clientOptions(options, provider, { allowPlaintext, ...more } = {}) {
  return withCredentials(options, credentialsProvider(provider, more), { allowPlaintext });
}

module.exports = { clientOptions, credentialsProvider, nodeAddressMap, servername };
