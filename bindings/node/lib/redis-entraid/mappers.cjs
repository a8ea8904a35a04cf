'use strict';

const { unprinted } = require('../redis/discretion.cjs');
const { claimsOf } = require('./claims.cjs');

const isAuthenticationResult = (token) => typeof token.accessToken === 'string' && !('token' in token);
const isAccessToken = (token) => typeof token.token === 'string' && !('accessToken' in token);

/** The token's text, from either of the two shapes of an answer. */
const secretOf = (token) => (isAuthenticationResult(token) ? token.accessToken : token.token);

function OID_CREDENTIALS_MAPPER(token) {
  const secret = secretOf(token);
  return unprinted({ username: claimsOf(secret).oid, password: secret }, 'password');
}

function DEFAULT_CREDENTIALS_MAPPER(token) {
  if (!isAuthenticationResult(token)) return OID_CREDENTIALS_MAPPER(token);
  return unprinted({ username: token.uniqueId, password: token.accessToken }, 'password');
}

module.exports = { DEFAULT_CREDENTIALS_MAPPER, OID_CREDENTIALS_MAPPER, isAccessToken, isAuthenticationResult };
