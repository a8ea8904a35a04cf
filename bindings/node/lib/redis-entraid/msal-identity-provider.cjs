'use strict';

const { milliseconds } = require('../time.cjs');

/** Tokens of @azure/msal-node, from whatever gets them. */
class MSALIdentityProvider {
  constructor(getToken) {
    this.getToken = getToken;
  }

  async requestToken() {
    const token = await this.getToken();
    if (!token?.accessToken || !token.expiresOn) throw new Error('Invalid token response');
    return { token, ttlMs: milliseconds(token.expiresOn, 'expiresOn') - Date.now() };
  }
}

module.exports = { MSALIdentityProvider };
