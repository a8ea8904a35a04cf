'use strict';

const { EntrakeyError, invalidArgument } = require('./errors.cjs');
const native = require('./native.cjs');

const toSnake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const toCamel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

/** The options that are not configuration keys, in the order in which the native side takes them. */
const CALLBACKS = ['tokenCallback', 'assertionCallback'];
const VALUES = new Set(['string', 'number', 'boolean']);

/** The options of a provider as the core takes them: its own spelling of the keys, text for every value. */
function toEntries(options) {
  if (options === null || typeof options !== 'object') {
    throw invalidArgument("Provider takes an object: new Provider({ identity: 'managed_identity' }).");
  }
  return Object.entries(options)
    .filter(([key, value]) => value !== undefined && !CALLBACKS.includes(key))
    .map(([key, value]) => {
      if (!VALUES.has(typeof value)) {
        const message = `Configuration key "${key}": a string, a number or a boolean is needed.`;
        throw new EntrakeyError({ code: 'INVALID_CONFIG', message });
      }
      return { key: toSnake(key), value: String(value) };
    });
}

/** The error for a failure of the core, with the configuration keys in camelCase. */
function toError(failure, options = {}) {
  const keys = native.configurationKeys().map((key) => [key, toCamel(key)]);
  const names = new Map([...keys, ...Object.keys(options).map((key) => [toSnake(key), key])]);
  const ofFile = failure.message.startsWith('Configuration file "'); // keys are in snake_case there
  const message = ofFile ? failure.message : failure.message.replace(/\w+/g, (word) => names.get(word) ?? word);
  return new EntrakeyError({ ...failure, message });
}

module.exports = { CALLBACKS, toCamel, toEntries, toError };
