'use strict';

/** Tokens of @azure/msal-node, from whatever gets them. */
class MSALIdentityProvider {
  constructor(getToken) {
    this.getToken = getToken;
  }

  async requestToken() {
    const token = await this.getToken();
    if (!token?.accessToken || !token.expiresOn) throw new Error('Invalid token response');
    return { token, ttlMs: token.expiresOn.getTime() - Date.now() };
  }
}

module.exports = { MSALIdentityProvider };
