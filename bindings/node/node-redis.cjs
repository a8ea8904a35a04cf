'use strict';

const { invalidArgument } = require('./lib/errors.cjs');
const { nodeAddressMap, servername } = require('./lib/redis/addresses.cjs');
const { unprinted } = require('./lib/redis/discretion.cjs');
const { environmentsOwn } = require('./lib/redis/environments-own.cjs');
const { withCredentials } = require('./lib/redis/node-redis-options.cjs');
const { NodeRedisCredentials } = require('./lib/redis/node-redis-provider.cjs');
const { reporterOf } = require('./lib/redis/re-authentication-errors.cjs');

const toCredentials = ({ username, secret }) => unprinted({ username, password: secret }, 'password');

function credentialsProvider(provider = environmentsOwn(), { onReAuthenticationError } = {}) {
  if (typeof provider?.getToken !== 'function' || typeof provider.subscribe !== 'function') {
    throw invalidArgument('credentialsProvider() takes a Provider of entrakey.');
  }
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
