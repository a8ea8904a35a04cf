'use strict';

const { warn } = require('../warning.cjs');

/** What stands between the scheme and the host. Not for `URL`, which takes no `unix://user@/path`. */
const USER_INFO = /^([a-z][a-z\d+.-]*:\/\/)[^/?#]*@/i;

const withoutUserInfo = (url) => String(url).replace(USER_INFO, '$1');

/** User names, passwords and the like that came with a client. They are not used: what comes from the provider is. */
class ForeignCredentials {
  #names = [];

  /** A value that may be some; `name` says where it is. */
  meet(name, value) {
    if (value) this.#names.push(name);
  }

  /** Gives a URL without its user info. */
  takeFrom(url, name) {
    const bare = withoutUserInfo(url);
    this.meet(`the user info of ${name}`, bare !== String(url));
    return bare;
  }

  /** One warning for all that was met, which names it and does not show it. */
  warn() {
    if (this.#names.length === 0) return;
    const what = 'Credentials that came with a Redis client are not used: it signs in with the tokens of its entrakey provider';
    warn('ENTRAKEY_CREDENTIALS_IGNORED', `${what}. Leave them out, or the provider: ${this.#names.join(', ')}`);
  }
}

module.exports = { ForeignCredentials };
