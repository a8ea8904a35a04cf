'use strict';

/** Says what went wrong where nobody is there to catch it. */
function warn(code, what, error) {
  const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.emitWarning(`${what}: ${why}`, { type: 'EntrakeyWarning', code });
}

module.exports = { warn };
