'use strict';

const { EntrakeyError } = require('./lib/errors.cjs');
const { Provider } = require('./lib/provider.cjs');
const { Token } = require('./lib/token.cjs');
const { version: VERSION } = require('./package.json'); // the native half's too, or it would not have been loaded

/** As the core has it; spelled here because each call into the binary while it is loaded costs memory. */
const METRICS_CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

module.exports = { EntrakeyError, METRICS_CONTENT_TYPE, Provider, Token, VERSION };
