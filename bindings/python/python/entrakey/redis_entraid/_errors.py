"""entrakey's errors as programs for redis-entraid catch them: `except RequestTokenErr`, and `except redis.RedisError`."""

from redis.auth.err import RequestTokenErr

from ..redis._client_errors import as_redis_error

_classes: dict = {}


def as_request_error(error):
    derived = type(as_redis_error(error))
    kind = _classes.get(derived)
    if kind is None:
        kind = _classes[derived] = type(derived.__name__, (derived, RequestTokenErr), {"__doc__": derived.__doc__})
    made = kind(*error.__reduce__()[1])
    return made
