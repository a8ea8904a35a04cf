'use strict';

const DETAILS = ['aadsts', 'correlationId', 'httpStatus'];

class EntrakeyError extends Error {
  constructor({ code, message, retriable = false, ...details }) {
    super(message);
    this.code = code;
    this.retriable = retriable;
    for (const name of DETAILS) {
      if (details[name] !== undefined) this[name] = details[name];
    }
  }
}

// `name` is on the prototype, as in the built-in errors: an own property would show in every print.
Object.defineProperty(EntrakeyError.prototype, 'name', { value: 'EntrakeyError', configurable: true, writable: true });

function invalidArgument(message) {
  return new EntrakeyError({ code: 'INVALID_ARGUMENT', message });
}

module.exports = { EntrakeyError, invalidArgument };
