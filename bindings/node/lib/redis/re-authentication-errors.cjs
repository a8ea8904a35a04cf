'use strict';

const { warn } = require('../warning.cjs');

function warnOfReAuthentication(error) {
  warn('ENTRAKEY_REAUTHENTICATION_FAILED', 'A Redis connection was not re-authenticated and will be closed', error);
}

/**
 * The host's `onReAuthenticationError`, or a warning. If that throws, or its promise rejects, no connection is
 * affected.
 */
function reporterOf(onReAuthenticationError = warnOfReAuthentication) {
  return async (error) => {
    try {
      await onReAuthenticationError(error);
    } catch (thrown) {
      warn('ENTRAKEY_LISTENER_FAILED', 'onReAuthenticationError failed', thrown);
    }
  };
}

module.exports = { reporterOf };
