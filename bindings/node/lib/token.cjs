'use strict';

const { inspect } = require('node:util');

class Token {
  // Private fields: no print, spread, JSON or structured clone of a token reaches its secret.
  #parts;

  constructor(parts) {
    this.#parts = parts;
    Object.freeze(this);
  }

  get secret() {
    return this.#parts.secret;
  }

  get username() {
    return this.#parts.username;
  }

  // A new Date each time: one that a caller changes must not change for the others.
  get expiresOn() {
    return new Date(this.#parts.expires);
  }

  get refreshOn() {
    return new Date(this.#parts.refresh);
  }

  get version() {
    return this.#parts.version;
  }

  toJSON() {
    const { username, expiresOn, refreshOn, version } = this;
    return { username, expiresOn, refreshOn, version };
  }

  [inspect.custom](depth, options) {
    return `Token ${inspect(this.toJSON(), { ...options, depth })}`;
  }
}

module.exports = { Token };
