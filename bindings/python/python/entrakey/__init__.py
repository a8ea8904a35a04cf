"""Microsoft Entra ID access tokens for Redis clients, kept fresh.

    provider = entrakey.Provider.managed_identity()
    token = provider.get_token()

``entrakey.redis`` connects a provider to redis-py; ``entrakey.redis_entraid`` stands in for the package
redis-entraid.
"""

try:
    from ._entrakey import METRICS_CONTENT_TYPE, Rejection, Token, __version__, render_metrics
except ImportError as error:
    if "subinterpreter" not in str(error):
        raise
    raise ImportError(
        "entrakey cannot be used in a sub-interpreter, only in the main one. With mod_wsgi set "
        "WSGIApplicationGroup %{GLOBAL}; of concurrent.interpreters and the like use threads or processes instead."
    ) from error

from ._errors import (
    AuthRejected,
    BadResponse,
    CallbackFailed,
    Closed,
    EntrakeyError,
    IdentityUnavailable,
    InternalError,
    InvalidArgument,
    InvalidConfig,
    NetworkError,
    Throttled,
    Timeout,
    UsernameUnavailable,
)
from ._provider import Provider
from ._subscription import Subscription

__all__ = [
    "AuthRejected",
    "BadResponse",
    "CallbackFailed",
    "Closed",
    "EntrakeyError",
    "IdentityUnavailable",
    "InternalError",
    "InvalidArgument",
    "InvalidConfig",
    "METRICS_CONTENT_TYPE",
    "NetworkError",
    "Provider",
    "Rejection",
    "Subscription",
    "Throttled",
    "Timeout",
    "Token",
    "UsernameUnavailable",
    "__version__",
    "render_metrics",
]
