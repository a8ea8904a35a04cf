'use strict';

/** A time as milliseconds since the Unix epoch; `name` is for the error. A number that is none is core's to refuse. */
function milliseconds(time, name) {
  if (typeof time === 'number') return time;
  if (time instanceof Date) return time.getTime();
  throw new TypeError(`${name}: a Date, or a number whose unit is milliseconds since 1970, is needed, not ${typeof time}`);
}

module.exports = { milliseconds };
