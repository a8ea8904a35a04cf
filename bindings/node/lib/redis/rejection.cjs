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

/** The same error with its explanation, in its message and in its stack, which prints show instead. */
function explained(error, explanation) {
  const { message, stack } = error;
  if (message.includes(explanation)) return error;
  error.message = `${message}\n${explanation}`;
  if (typeof stack === 'string') error.stack = stack.replace(message, () => error.message);
  return error;
}

module.exports = { explained, reportRejection };
