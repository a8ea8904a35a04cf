'use strict';

const { unprinted, withoutToken } = require('../discretion.cjs');

/** `options.username` and `.password` that are read anew each time, and cannot be frozen by whoever writes them. */
function liveCredentials(options, provider) {
  const define = (name, get) =>
    Object.defineProperty(options, name, { get, set() {}, enumerable: true, configurable: true });
  define('username', () => provider.current()?.username);
  define('password', () => provider.current()?.secret);
  unprinted(options, 'password');
}

/**
 * Sends a command that ends with the token. ioredis puts a command's arguments into the error that answers it, before
 * anybody here sees that; but every command passes `sendCommand`, before its method returns.
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
