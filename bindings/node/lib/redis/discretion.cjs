'use strict';

const { inspect } = require('node:util');

/** The same object, printed and serialised as `shown()`: clients read its fields, logs must not contain them. */
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

/** The same list of AUTH's arguments, shown without the last one, the token. */
function withoutToken(list) {
  return shownAs(list, () => [...list.slice(0, -1), '[token]']);
}

module.exports = { shownAs, unprinted, withoutToken };
