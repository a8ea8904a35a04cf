'use strict';

/** A time as milliseconds since the Unix epoch, from these or from a Date; `field` is for the error about anything else. */
function milliseconds(time, field) {
  const ms = time instanceof Date ? time.getTime() : time;
  if (Number.isFinite(ms)) return ms;
  const given = time instanceof Date ? 'an invalid Date' : typeof time === 'number' ? String(time) : typeof time;
  throw new TypeError(`${field} is a Date or milliseconds since 1970, not ${given}`);
}

module.exports = { milliseconds };
