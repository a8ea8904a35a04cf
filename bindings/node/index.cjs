'use strict';

const { EntrakeyError } = require('./lib/errors.cjs');
const native = require('./lib/native.cjs');
const { Provider } = require('./lib/provider.cjs');
const { Token } = require('./lib/token.cjs');

module.exports = {
  EntrakeyError,
  METRICS_CONTENT_TYPE: native.metricsContentType(),
  Provider,
  Token,
  VERSION: native.libraryVersion(),
};
