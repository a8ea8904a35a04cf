'use strict';

const { milliseconds } = require('../time.cjs');

/** How long a token is still valid. Its end is a Date or milliseconds since 1970; `field` names it in an error. */
const ttlUntil = (end, field) => milliseconds(end, `${field} of the token`) - Date.now();

module.exports = { ttlUntil };
