"""Tokens as redis.auth knows them, read without a library for JWTs."""

import base64
import json
import time

from redis.auth.err import InvalidTokenSchemaErr
from redis.auth.token import TokenInterface


class EntraToken(TokenInterface):
    """What a JWT says, unverified: the server verifies it. Its repr shows no secret."""

    def __init__(self, secret, claims, expires_on):
        self._secret = secret
        self._claims = claims
        self._expires_on = expires_on  # seconds since the Unix epoch
        self._received_on = time.time()

    def is_expired(self):
        return self.ttl() <= 0

    def ttl(self):
        return (self._expires_on - time.time()) * 1000

    def try_get(self, key):
        return self._claims.get(key)

    def get_value(self):
        return self._secret

    def get_expires_at_ms(self):
        return float(self._expires_on * 1000)

    def get_received_at_ms(self):
        return self._received_on * 1000


def token_of(secret):
    """Of a JWT, whose claims say until when it is good."""
    claims = claims_of(secret)
    if "exp" not in claims:
        raise InvalidTokenSchemaErr({"exp"})
    return EntraToken(secret, claims, claims["exp"])


def token_of_entrakey(token):
    return EntraToken(token.secret, {"oid": token.username, **claims_of(token.secret)}, token.expires_on)


def claims_of(secret):
    """Empty of what is no JWT."""
    try:
        payload = secret.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
