'use strict';

const { inspect } = require('node:util');

/** The same plain object, whose print and JSON leave one field out: clients read it, logs need not. */
function unprinted(object, field) {
  const shown = () => {
    const { [field]: _, ...rest } = object;
    return rest;
  };
  return Object.defineProperties(object, {
    [inspect.custom]: { value: (depth, options) => inspect(shown(), { ...options, depth }) },
    toJSON: { value: shown },
  });
}

module.exports = { unprinted };
