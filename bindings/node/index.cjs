'use strict';

const { EntrakeyError } = require('./lib/errors.cjs');
const { Provider } = require('./lib/provider.cjs');
const { Token } = require('./lib/token.cjs');
const { version: VERSION } = require('./package.json'); // loading refuses a native half of another version

/** The core's value, repeated here: asking the binary for it while it is loaded would cost memory. */
const METRICS_CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

module.exports = { EntrakeyError, METRICS_CONTENT_TYPE, Provider, Token, VERSION };
