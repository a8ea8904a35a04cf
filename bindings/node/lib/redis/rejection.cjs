'use strict';

/** Tells the provider what a server answered to an AUTH, and gives its explanation; undefined for what is no refusal. */
function reportRejection(provider, version, error) {
  if (version === undefined) return undefined;
  try {
    const message = error instanceof Error ? error.message : String(error);
    const { reason, explanation } = provider.reportRejected(version, message);
    return reason === 'not_a_refusal' ? undefined : explanation;
  } catch {
    return undefined; // closed: nobody is left to explain
  }
}

module.exports = { reportRejection };
