'use strict';

const { nodeAddressMap, servername } = require('./lib/redis/addresses.cjs');
const { unprinted } = require('./lib/redis/discretion.cjs');
const { NodeRedisCredentials } = require('./lib/redis/node-redis/credentials.cjs');
const { withCredentials } = require('./lib/redis/node-redis/options.cjs');
const { providerOf } = require('./lib/redis/provider-of.cjs');
const { reporterOf } = require('./lib/redis/re-authentication-errors.cjs');

const toCredentials = ({ username, secret }) => unprinted({ username, password: secret }, 'password');

/** What node-redis is given, and what is behind it. */
function make(given, { onReAuthenticationError } = {}) {
  const credentials = new NodeRedisCredentials(providerOf(given, 'credentialsProvider() takes'), toCredentials);
  const report = reporterOf(onReAuthenticationError);
  const credentialsProvider = {
    type: 'streaming-credentials-provider',

    subscribe: (listener) => credentials.subscribe(listener),

    onReAuthenticationError(error) {
      const shown = credentials.explained(error);
      if (shown !== undefined) void report(shown);
    },
  };
  return { credentials, credentialsProvider };
}

const credentialsProvider = (provider, how) => make(provider, how).credentialsProvider;

function clientOptions(options, provider, { allowPlaintext, ...more } = {}) {
  const { credentials, credentialsProvider } = make(provider, more);
  const refused = (error) => credentials.refusedAtConnect(error);
  return withCredentials(options, credentialsProvider, refused, { allowPlaintext });
}

module.exports = { clientOptions, credentialsProvider, nodeAddressMap, servername };
