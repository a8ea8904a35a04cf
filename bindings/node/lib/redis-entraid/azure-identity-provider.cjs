'use strict';

const { ttlUntil } = require('./expiry.cjs');

/** Tokens of a TokenCredential of @azure/identity, which is used as it is. */
class AzureIdentityProvider {
  constructor(getToken) {
    this.getToken = getToken;
  }

  async requestToken() {
    const token = await this.getToken();
    if (!token?.token) throw new Error('The credential gave no token');
    return { token, ttlMs: ttlUntil(token.expiresOnTimestamp, 'expiresOnTimestamp') };
  }
}

module.exports = { AzureIdentityProvider };
