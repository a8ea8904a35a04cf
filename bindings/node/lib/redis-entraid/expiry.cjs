'use strict';

/** How long a token is valid whose end is a Date or milliseconds since 1970; `field` is where that stands. */
function ttlUntil(end, field) {
  const at = end instanceof Date || typeof end === 'number' ? Number(end) : NaN;
  if (!Number.isFinite(at)) {
    const given = end instanceof Date ? 'an invalid Date' : typeof end === 'number' ? String(end) : typeof end;
    throw new TypeError(`${field} of the token is a Date or milliseconds since 1970, not ${given}`);
  }
  return at - Date.now();
}

module.exports = { ttlUntil };
