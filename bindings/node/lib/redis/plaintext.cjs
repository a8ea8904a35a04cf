'use strict';

const { toError } = require('../config.cjs');
const native = require('../native.cjs');

const REMEDY =
  'switch TLS on (rediss://, or the option tls), or set allowPlaintext if the network is safe by other means';

/**
 * A token sent in clear can be used by anybody who sees it, so the host must allow a connection without TLS explicitly.
 */
function refusePlaintext(host, { allowPlaintext = false } = {}) {
  const failure = allowPlaintext ? undefined : native.checkPlaintext(host, REMEDY);
  if (failure) throw toError(failure);
}

module.exports = { refusePlaintext };
