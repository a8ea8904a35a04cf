"""Microsoft Entra ID access tokens for Redis clients, kept fresh.

    provider = entrakey.Provider.managed_identity()
    token = provider.get_token()

``entrakey.redis`` connects a provider to redis-py.
"""

from ._entrakey import Subscription, Token, __version__
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
    "NetworkError",
    "Provider",
    "Subscription",
    "Throttled",
    "Timeout",
    "Token",
    "UsernameUnavailable",
    "__version__",
]
