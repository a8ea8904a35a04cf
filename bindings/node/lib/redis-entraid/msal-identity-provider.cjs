'use strict';

const { ttlUntil } = require('./expiry.cjs');

/** Tokens of @azure/msal-node, from a function of the host that asks MSAL. */
class MSALIdentityProvider {
  constructor(getToken) {
    this.getToken = getToken;
  }

  async requestToken() {
    const token = await this.getToken();
    if (!token?.accessToken || !token.expiresOn) throw new Error('Invalid token response');
    return { token, ttlMs: ttlUntil(token.expiresOn, 'expiresOn') };
  }
}

module.exports = { MSALIdentityProvider };
