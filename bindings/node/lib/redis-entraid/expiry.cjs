'use strict';

const { milliseconds } = require('../time.cjs');

/** How long a token is valid whose end is a Date or milliseconds since 1970; `field` is where that stands. */
const ttlUntil = (end, field) => milliseconds(end, `${field} of the token`) - Date.now();

module.exports = { ttlUntil };
