"""The names of redis_entraid.cred_provider."""

import logging
import time
import weakref
from typing import Any, Awaitable, Callable, List, Optional, Tuple, Union

from redis.auth.err import RequestTokenErr, TokenRenewalErr
from redis.auth.idp import IdentityProviderInterface
# `import X as X` tells type checkers that programs may import these names from here, as they do from the original.
from redis.auth.token_manager import CredentialsListener as CredentialsListener
from redis.auth.token_manager import RetryPolicy as RetryPolicy
from redis.auth.token_manager import TokenManager as TokenManager
from redis.auth.token_manager import TokenManagerConfig as TokenManagerConfig
from redis.credentials import StreamingCredentialProvider

from .._entrakey import inherit
from .._errors import EntrakeyError
from .._provider import Provider
from .._request import Supplied
from ..redis import CredentialProvider
from ..redis._callbacks import Listeners
from ._errors import as_request_error
from ._native import Application
from .identity_provider import (
    _create_provider_from_default_azure_credential,
    _create_provider_from_managed_identity,
    _create_provider_from_service_principal,
)

from .identity_provider import (
    DefaultAzureCredentialIdentityProviderConfig as DefaultAzureCredentialIdentityProviderConfig,
)
from .identity_provider import ManagedIdentityIdType as ManagedIdentityIdType
from .identity_provider import ManagedIdentityProviderConfig as ManagedIdentityProviderConfig
from .identity_provider import ManagedIdentityType as ManagedIdentityType
from .identity_provider import ServicePrincipalIdentityProviderConfig as ServicePrincipalIdentityProviderConfig

# The original's defaults. Values below entrakey's own are raised to them: see _policy.
DEFAULT_EXPIRATION_REFRESH_RATIO = 0.7
DEFAULT_LOWER_REFRESH_BOUND_MILLIS = 0
DEFAULT_TOKEN_REQUEST_EXECUTION_TIMEOUT_IN_MS = 100
DEFAULT_MAX_ATTEMPTS = 3
DEFAULT_DELAY_IN_MS = 3

# The lifetime given to a token that says it never expires.
_NEVER_S = 24 * 3600

# Events of this level or graver are about failures.
_WARNINGS = 1

_log = logging.getLogger("entrakey.redis_entraid")
_warned = False


class EntraIdCredentialsProvider(CredentialProvider):
    def __init__(
        self,
        identity_provider: IdentityProviderInterface,
        token_manager_config: Optional[TokenManagerConfig],
        initial_delay_in_ms: float = 0,
        block_for_initial: bool = False,
    ):
        """
        The last two have no meaning here: the first token is there when get_credentials returns, and its renewal is
        under way from then on.
        """
        self._idp = identity_provider
        self._on_errors = Listeners()
        self._failures: Any = None
        super().__init__(Provider(**_source(identity_provider), **_policy(token_manager_config)))

    def _fetch_credentials(self) -> Union[Tuple[str], Tuple[str, str]]:
        try:
            return super()._fetch_credentials()
        except EntrakeyError as error:
            raise as_request_error(error) from None

    async def get_credentials_async(self) -> Union[Tuple[str], Tuple[str, str]]:
        try:
            return await super().get_credentials_async()
        except EntrakeyError as error:
            raise as_request_error(error) from None

    def on_next(self, callback: Union[Callable[[Any], object], Awaitable]):
        super().on_next(callback)

    def on_error(self, callback: Union[Callable[[Exception], object], Awaitable]):
        """Called when a renewal has failed, which is tried again, and when a callback of on_next has."""
        if type(getattr(callback, "__self__", None)).__module__ == "redis.event":
            return  # redis-py's own callback only raises, in the thread that calls it
        self._on_errors.add(callback)
        if self._failures is None:
            self._failures = self._provider._observe(_WARNINGS, _teller(weakref.ref(self)))

    def is_streaming(self) -> bool:
        return self._provider.version > 0

    def _callback_failed(self, error):
        super()._callback_failed(error)
        self._tell_of(TokenRenewalErr(error))

    def _tell_of(self, error):
        for listener in self._on_errors.alive():
            self._tell(listener, error)


def _teller(reference):
    """An observer that keeps nothing alive."""

    def tell(event, _level, message):
        provider = reference()
        if provider is not None and event == "refresh_failed":
            provider._tell_of(RequestTokenErr(message))

    return tell


def _source(identity_provider):
    """Where the tokens come from: entrakey itself, or an identity provider of the program's own."""
    application = getattr(identity_provider, "_app", None)
    if isinstance(application, Application) and application.last_resort is None:
        return application.options
    asked = [False]

    def request(_scope):
        # A renewal must not be answered from the identity provider's own memory.
        token = identity_provider.request_token(force_refresh=asked[0])
        asked[0] = True
        expires = token.get_expires_at_ms()
        expires = time.time() + _NEVER_S if expires == -1 else expires / 1000
        return Supplied(token.get_value(), expires, token.try_get("oid"))

    return {"token_callback": request}


def _policy(config):
    """The configuration, but nothing that ends the renewal in the first outage or asks without a pause."""
    options, warning = inherit(list(_settings(config or _default_config())))
    _warn_once(warning)
    return options


def _settings(config):
    """As (our key, the name that its user wrote, the value, redis-entraid's default)."""
    retry = config.get_retry_policy()
    ratio = config.get_expiration_refresh_ratio()
    bound = config.get_lower_refresh_bound_millis()
    timeout = config.get_token_request_execution_timeout_in_ms()
    yield "refresh_ratio", "expiration_refresh_ratio", ratio, DEFAULT_EXPIRATION_REFRESH_RATIO
    yield "refresh_lower_bound_ms", "lower_refresh_bound_millis", bound, DEFAULT_LOWER_REFRESH_BOUND_MILLIS
    yield (
        "request_timeout_ms",
        "token_request_execution_timeout_in_ms",
        timeout,
        DEFAULT_TOKEN_REQUEST_EXECUTION_TIMEOUT_IN_MS,
    )
    yield "retry_initial_ms", "delay_in_ms", retry.get_delay_in_ms(), DEFAULT_DELAY_IN_MS
    yield "", "max_attempts", retry.get_max_attempts(), DEFAULT_MAX_ATTEMPTS


def _warn_once(warning):
    global _warned
    if warning is not None and not _warned:
        _warned = True
        _log.warning("%s", warning)


def _default_config():
    retry = RetryPolicy(DEFAULT_MAX_ATTEMPTS, DEFAULT_DELAY_IN_MS)
    return TokenManagerConfig(
        DEFAULT_EXPIRATION_REFRESH_RATIO,
        DEFAULT_LOWER_REFRESH_BOUND_MILLIS,
        DEFAULT_TOKEN_REQUEST_EXECUTION_TIMEOUT_IN_MS,
        retry,
    )


def create_from_managed_identity(
    identity_type: ManagedIdentityType,
    resource: str,
    id_type: Optional[ManagedIdentityIdType] = None,
    id_value: Optional[str] = "",
    kwargs: Optional[dict] = {},
    token_manager_config: Optional[TokenManagerConfig] = _default_config(),
) -> EntraIdCredentialsProvider:
    """Of the machine's managed identity, or of a user-assigned one."""
    config = ManagedIdentityProviderConfig(
        identity_type=identity_type, resource=resource, id_type=id_type, id_value=id_value, kwargs=kwargs
    )
    return EntraIdCredentialsProvider(_create_provider_from_managed_identity(config), token_manager_config)


def create_from_service_principal(
    client_id: str,
    client_credential: Any,
    tenant_id: Optional[str] = None,
    scopes: Optional[List[str]] = None,
    timeout: Optional[float] = None,
    token_kwargs: Optional[dict] = {},
    app_kwargs: Optional[dict] = {},
    token_manager_config: Optional[TokenManagerConfig] = _default_config(),
) -> EntraIdCredentialsProvider:
    """Of an application: with a secret, or with what msal takes as client_credential. timeout in seconds."""
    config = ServicePrincipalIdentityProviderConfig(
        client_credential=client_credential,
        client_id=client_id,
        scopes=scopes,
        timeout=timeout,
        tenant_id=tenant_id,
        app_kwargs=app_kwargs,
        token_kwargs=token_kwargs,
    )
    del client_credential  # pytest and Sentry show the variables of each frame in a traceback: no secret may be there
    return EntraIdCredentialsProvider(_create_provider_from_service_principal(config), token_manager_config)


def create_from_default_azure_credential(
    scopes: Tuple[str],
    tenant_id: Optional[str] = None,
    authority: Optional[str] = None,
    token_kwargs: Optional[dict] = {},
    app_kwargs: Optional[dict] = {},
    token_manager_config: Optional[TokenManagerConfig] = _default_config(),
) -> EntraIdCredentialsProvider:
    """Of the first identity that the environment has."""
    config = DefaultAzureCredentialIdentityProviderConfig(
        scopes=scopes,
        authority=authority,
        additional_tenant_id=tenant_id,
        token_kwargs=token_kwargs,
        app_kwargs=app_kwargs,
    )
    return EntraIdCredentialsProvider(_create_provider_from_default_azure_credential(config), token_manager_config)
