"""entrakey's errors as redis-py's users catch them, and valkey-py's.

Each class derives from entrakey's own and from redis.RedisError (valkey.ValkeyError). Not from redis.ConnectionError:
redis-py would wait and connect again, ten times and for a minute, for an answer that the provider has already given. As it
is, it closes the half-open connection and raises the error to the command.
"""

from .. import _errors
from ._quirks.packages import CLIENT_ERRORS

_BY_KIND = {}

for _kind in _errors.EntrakeyError.__subclasses__():
    if issubclass(_kind, CLIENT_ERRORS):
        continue  # this module is imported a second time, after the classes were made
    _derived = type(_kind.__name__, (_kind, *CLIENT_ERRORS), {"__doc__": _kind.__doc__, "__module__": __name__})
    _BY_KIND[_kind] = globals()[_kind.__name__] = _derived


def as_redis_error(error):
    """The same error, which `except redis.RedisError` catches too (`except valkey.ValkeyError`)."""
    derived = _BY_KIND.get(type(error))
    if derived is None:
        return error
    return derived(*error.__reduce__()[1])
