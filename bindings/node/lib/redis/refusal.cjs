'use strict';

const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/** The explanation of `rejection`, if it is a verdict on the token. */
const ofVerdict = (rejection) => (rejection === undefined || rejection.reason === 'not_a_refusal' ? undefined : rejection.explanation);

/** Tells the ledger what came instead of an OK; gives the explanation if it is a verdict on the token. */
function verdictOf(entry, version, error) {
  return ofVerdict(entry?.refused(version, messageOf(error)));
}

/** The same where it is not known which connection it was. */
function verdictFor(provider, version, error) {
  try {
    return ofVerdict(provider.reportRejected(version, messageOf(error)));
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

module.exports = { explained, verdictFor, verdictOf };
