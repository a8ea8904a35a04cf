'use strict';

const { toError } = require('../config.cjs');
const native = require('../native.cjs');

const REMEDY =
  'switch TLS on (rediss://, or the option tls), or set allowPlaintext if the network is safe by other means';

/** A token that is sent in clear can be used by whoever sees it, so a connection without TLS must be asked for. */
function refusePlaintext(host, { allowPlaintext = false } = {}) {
  const failure = allowPlaintext ? undefined : native.checkPlaintext(host, REMEDY);
  if (failure) throw toError(failure);
}

module.exports = { refusePlaintext };
