'use strict';

const { inspect } = require('node:util');

/** The same object, whose print and JSON are those of `shown()`: clients read what is in it, logs need not. */
function shownAs(object, shown) {
  return Object.defineProperties(object, {
    [inspect.custom]: { value: (depth, options) => inspect(shown(), { ...options, depth }), configurable: true },
    toJSON: { value: shown, configurable: true },
  });
}

/** The same plain object, shown without one field. */
function unprinted(object, field) {
  return shownAs(object, () => {
    const { [field]: _, ...rest } = object;
    return rest;
  });
}

/** The same list, of which the last is the token: what follows AUTH. */
function withoutToken(list) {
  return shownAs(list, () => [...list.slice(0, -1), '[token]']);
}

module.exports = { shownAs, unprinted, withoutToken };
