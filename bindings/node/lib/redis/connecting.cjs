'use strict';

const native = require('../native.cjs');

/**
 * How to ask for a token inside a client's connect(). A client tries again by itself, so a long wait would only stall
 * it.
 */
const WHILE_CONNECTING = { timeoutMs: native.connectTimeoutMs(), wait: false };

module.exports = { WHILE_CONNECTING };
