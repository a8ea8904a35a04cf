'use strict';

/**
 * Whether a failed AUTH is the server's verdict on the token, and not a connection that went away. Azure Cache for
 * Redis puts ERR before WRONGPASS.
 */
const isRejection = (message) => /^(ERR )?(WRONGPASS|NOPERM|NOAUTH)\b/.test(message.trimStart());

/** Tells the provider, and gives its explanation; undefined for what is no rejection. */
function reportRejection(provider, version, error) {
  const message = error instanceof Error ? error.message : String(error);
  if (version === undefined || !isRejection(message)) return undefined;
  try {
    return provider.reportRejected(version, message).explanation;
  } catch {
    return undefined; // closed: nobody is left to explain
  }
}

module.exports = { isRejection, reportRejection };
