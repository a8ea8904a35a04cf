'use strict';

const { toCamel } = require('./config.cjs');

/**
 * The keys inside these objects are names of kinds and reasons, which are the same in every language: not translated.
 */
const COUNTED_BY_NAME = new Set(['failures', 'auth_rejections']);

/** The core's status with its keys in camelCase. */
function toStatus(json) {
  return camel(JSON.parse(json));
}

function camel(value) {
  if (Array.isArray(value)) return value.map(camel);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [toCamel(key), COUNTED_BY_NAME.has(key) ? inner : camel(inner)]),
  );
}

module.exports = { toStatus };
