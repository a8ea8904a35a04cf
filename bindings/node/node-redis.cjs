'use strict';

const { invalidArgument } = require('./lib/errors.cjs');
const { nodeAddressMap, servername } = require('./lib/redis/addresses.cjs');
const { withCredentials } = require('./lib/redis/node-redis-options.cjs');
const { NodeRedisCredentials } = require('./lib/redis/node-redis-provider.cjs');
const { warn } = require('./lib/warning.cjs');

const toCredentials = ({ username, secret }) => ({ username, password: secret });

function warnOfReAuthentication(error) {
  warn('ENTRAKEY_REAUTHENTICATION_FAILED', 'A Redis connection was not re-authenticated and will be closed', error);
}

function credentialsProvider(provider, { onReAuthenticationError = warnOfReAuthentication } = {}) {
  if (typeof provider?.getToken !== 'function' || typeof provider.subscribe !== 'function') {
    throw invalidArgument('credentialsProvider() takes a Provider of entrakey.');
  }
  const credentials = new NodeRedisCredentials(provider, toCredentials);
  return {
    type: 'streaming-credentials-provider',

    subscribe: (listener) => credentials.subscribe(listener),

    onReAuthenticationError(error) {
      const shown = credentials.explained(error);
      if (shown !== undefined) onReAuthenticationError(shown);
    },
  };
}

function clientOptions(options, provider, { allowPlaintext, ...more } = {}) {
  return withCredentials(options, credentialsProvider(provider, more), { allowPlaintext });
}

module.exports = { clientOptions, credentialsProvider, nodeAddressMap, servername };
