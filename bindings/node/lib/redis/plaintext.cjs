'use strict';

const { isIP } = require('node:net');
const { EntrakeyError } = require('../errors.cjs');

/** Whether only this machine is reached there. */
function isLoopback(host) {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase();
  if (isIP(name) === 4) return name.startsWith('127.');
  return name === 'localhost' || name === '::1' || /^::ffff:127\./.test(name);
}

/** A token that is sent in clear can be used by whoever sees it, so a connection without TLS must be asked for. */
function refusePlaintext(host, { allowPlaintext = false } = {}) {
  if (allowPlaintext || isLoopback(host)) return;
  throw new EntrakeyError({
    code: 'INVALID_CONFIG',
    message:
      `The connection to ${host} has no TLS, so the token would be sent in clear: switch TLS on (rediss://, or the ` +
      'option tls), or set allowPlaintext if the network is safe by other means.',
  });
}

module.exports = { isLoopback, refusePlaintext };
