'use strict';

const { warn } = require('../warning.cjs');

/** The user info of a URL, before the host. By a pattern, since the class URL does not accept `unix://user@/path`. */
const USER_INFO = /^([a-z][a-z\d+.-]*:\/\/)[^/?#]*@/i;

const withoutUserInfo = (url) => String(url).replace(USER_INFO, '$1');

/** User names, passwords and the like that came with a client. They are not used: the provider's credentials are. */
class ForeignCredentials {
  #names = [];

  /** Notes a value, if there is one, as a credential; `name` says where it is. */
  meet(name, value) {
    if (value) this.#names.push(name);
  }

  /** Gives a URL without its user info. */
  takeFrom(url, name) {
    const bare = withoutUserInfo(url);
    this.meet(`the user info of ${name}`, bare !== String(url));
    return bare;
  }

  /** One warning that names all credentials that were met, and shows no value. */
  warn() {
    if (this.#names.length === 0) return;
    const what = 'Credentials that came with a Redis client are not used: it signs in with the tokens of its entrakey provider';
    warn('ENTRAKEY_CREDENTIALS_IGNORED', `${what}. Leave them out, or the provider: ${this.#names.join(', ')}`);
  }
}

module.exports = { ForeignCredentials };
