'use strict';

const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/** The explanation of `rejection`, if it is a verdict on the token. */
const ofVerdict = (rejection) => (rejection === undefined || rejection.reason === 'not_a_refusal' ? undefined : rejection.explanation);

/** Tells the ledger of the answer that was not OK. Returns the explanation if the answer is a verdict on the token. */
function verdictOf(entry, version, error) {
  return ofVerdict(entry?.refused(version, messageOf(error)));
}

/** The same when the connection is not known. */
function verdictFor(provider, version, error) {
  try {
    return ofVerdict(provider.reportRejected(version, messageOf(error)));
  } catch {
    return undefined; // a closed provider explains nothing
  }
}

/** The same error with its explanation, in its message and also in its stack: a print shows only the stack. */
function explained(error, explanation) {
  const { message, stack } = error;
  if (message.includes(explanation)) return error;
  error.message = `${message}\n${explanation}`;
  if (typeof stack === 'string') error.stack = stack.replace(message, () => error.message);
  return error;
}

module.exports = { explained, verdictFor, verdictOf };
