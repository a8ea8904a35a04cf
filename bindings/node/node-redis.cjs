'use strict';

const { invalidArgument } = require('./lib/errors.cjs');
const { nodeAddressMap, servername } = require('./lib/redis/addresses.cjs');
const { NodeRedisListeners } = require('./lib/redis/node-redis-listeners.cjs');
const { withCredentials } = require('./lib/redis/node-redis-options.cjs');
const { reportRejection } = require('./lib/redis/rejection.cjs');
const { warn } = require('./lib/warning.cjs');

/** node-redis asks inside connect(), and asks again by itself: a long wait here would be a dead client. */
const INSIDE_CONNECT = { timeoutMs: 5000, wait: false };

const toCredentials = ({ username, secret }) => ({ username, password: secret });

function warnOfReAuthentication(error) {
  warn('ENTRAKEY_REAUTHENTICATION_FAILED', 'A Redis connection was not re-authenticated and will be closed', error);
}

function credentialsProvider(provider, { onReAuthenticationError = warnOfReAuthentication } = {}) {
  if (typeof provider?.getToken !== 'function' || typeof provider.subscribe !== 'function') {
    throw invalidArgument('credentialsProvider() takes a Provider of entrakey.');
  }
  const listeners = new NodeRedisListeners();
  return {
    type: 'streaming-credentials-provider',

    async subscribe(listener) {
      let told; // nothing before the connection has its first token: node-redis is in its handshake
      // First the subscription: a token that arrives during the wait below must not be missed.
      const disposable = listeners.add(listener, (tell) => {
        const subscription = provider.subscribe((token) => {
          if (told === undefined || token.version <= told) return;
          told = token.version;
          tell(toCredentials(token));
        });
        return () => void subscription.unsubscribe();
      });
      try {
        const answer = await provider.getToken(INSIDE_CONNECT);
        const token = provider.current() ?? answer;
        told = token.version;
        return [toCredentials(token), disposable];
      } catch (error) {
        disposable.dispose();
        throw error;
      }
    },

    onReAuthenticationError(error) {
      if (listeners.dropClosed(error)) return;
      const explanation = reportRejection(provider, provider.version, error);
      if (explanation !== undefined) error.message = `${error.message}\n${explanation}`;
      onReAuthenticationError(error);
    },
  };
}

function clientOptions(options, provider, { allowPlaintext, ...more } = {}) {
  return withCredentials(options, credentialsProvider(provider, more), { allowPlaintext });
}

module.exports = { clientOptions, credentialsProvider, nodeAddressMap, servername };
