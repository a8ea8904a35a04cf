'use strict';

/** The claims of a token; an empty object if the token is not a JWT. */
function claimsOf(secret) {
  try {
    return JSON.parse(Buffer.from(secret.split('.')[1], 'base64url').toString()) ?? {};
  } catch {
    return {};
  }
}

module.exports = { claimsOf };
