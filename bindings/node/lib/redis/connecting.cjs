'use strict';

const native = require('../native.cjs');

/** How a client asks that is inside its connect(), and asks again by itself: a long wait here would be a dead client. */
const WHILE_CONNECTING = { timeoutMs: native.connectTimeoutMs(), wait: false };

module.exports = { WHILE_CONNECTING };
