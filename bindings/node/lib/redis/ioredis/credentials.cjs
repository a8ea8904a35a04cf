'use strict';

const { unprinted, withoutToken } = require('../discretion.cjs');

/** Makes `options.username` and `.password` getters of the current token. Writing them has no effect. */
function liveCredentials(options, provider) {
  const define = (name, get) =>
    Object.defineProperty(options, name, { get, set() {}, enumerable: true, configurable: true });
  define('username', () => provider.current()?.username);
  define('password', () => provider.current()?.secret);
  unprinted(options, 'password');
}

/**
 * Sends a command whose last argument is the token, and hides the token. ioredis puts a command's arguments into its
 * error before we see that error; but every command passes `sendCommand` before its method returns.
 */
function discreetly(redis, send) {
  const before = Object.getOwnPropertyDescriptor(redis, 'sendCommand');
  const { sendCommand } = redis;
  redis.sendCommand = (command, ...more) => {
    withoutToken(command.args);
    return sendCommand.call(redis, command, ...more);
  };
  try {
    return send();
  } finally {
    delete redis.sendCommand;
    if (before) Object.defineProperty(redis, 'sendCommand', before);
  }
}

module.exports = { discreetly, liveCredentials };
