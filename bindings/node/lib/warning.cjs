'use strict';

/** Says what went wrong where nobody is there to catch it; `error` is what was caught, if anything was. */
function warn(code, what, ...error) {
  const why = error.map((error) => (error instanceof Error ? (error.stack ?? error.message) : String(error)));
  process.emitWarning([what, ...why].join(': '), { type: 'EntrakeyWarning', code });
}

module.exports = { warn };
