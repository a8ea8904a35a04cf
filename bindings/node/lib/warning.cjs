'use strict';

/** Warns of a failure that no caller can catch; `error` is the exception, if there was one. */
function warn(code, what, ...error) {
  const why = error.map((error) => (error instanceof Error ? (error.stack ?? error.message) : String(error)));
  process.emitWarning([what, ...why].join(': '), { type: 'EntrakeyWarning', code });
}

module.exports = { warn };
