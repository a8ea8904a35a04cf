"""The names of redis_entraid.identity_provider.

The factories' tokens come from entrakey itself. An application of msal's or a credential of azure-identity's plugs in as
it did, and where a program asks for an option that only those have, they are used, if they are installed.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Iterable, List, Optional, Tuple

from redis.auth.err import RequestTokenErr
from redis.auth.idp import IdentityProviderInterface
from redis.auth.token import JWToken, TokenInterface

from . import _native
from ._token import token_of

# Names that the original module imports from other packages. Here each is imported when a program asks for it.
_ELSEWHERE = {
    "requests": ("requests", None),
    "DefaultAzureCredential": ("azure.identity", "DefaultAzureCredential"),
    "ConfidentialClientApplication": ("msal", "ConfidentialClientApplication"),
    "ManagedIdentityClient": ("msal", "ManagedIdentityClient"),
    "UserAssignedManagedIdentity": ("msal", "UserAssignedManagedIdentity"),
    "SystemAssignedManagedIdentity": ("msal", "SystemAssignedManagedIdentity"),
}


def __getattr__(name):
    if name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    module, attribute = _ELSEWHERE[name]
    module = importlib.import_module(module)
    return module if attribute is None else getattr(module, attribute)


class ManagedIdentityType(Enum):
    USER_ASSIGNED = "user_assigned"
    SYSTEM_ASSIGNED = "system_assigned"


class ManagedIdentityIdType(Enum):
    CLIENT_ID = "client_id"
    OBJECT_ID = "object_id"
    RESOURCE_ID = "resource_id"


@dataclass
class ManagedIdentityProviderConfig:
    identity_type: ManagedIdentityType
    resource: str
    id_type: Optional[ManagedIdentityIdType] = None
    id_value: Optional[str] = ""
    kwargs: Optional[dict] = field(default_factory=dict)


@dataclass
class ServicePrincipalIdentityProviderConfig:
    client_credential: Any = field(repr=False)
    client_id: str
    scopes: Optional[List[str]] = None
    timeout: Optional[float] = None
    tenant_id: Optional[str] = None
    token_kwargs: Optional[dict] = field(default_factory=dict)
    app_kwargs: Optional[dict] = field(default_factory=dict)


@dataclass
class DefaultAzureCredentialIdentityProviderConfig:
    scopes: Iterable[str]
    additional_tenant_id: Optional[str] = None
    authority: Optional[str] = None
    token_kwargs: Optional[dict] = field(default_factory=dict)
    app_kwargs: Optional[dict] = field(default_factory=dict)


class ManagedIdentityProvider(IdentityProviderInterface):
    """Tokens of a managed identity."""

    def __init__(self, app, resource: str, **kwargs):
        self._app = app
        self._resource = resource
        self._kwargs = kwargs

    def request_token(self, force_refresh=False) -> TokenInterface:
        if isinstance(self._app, _native.Application):
            return self._app.request_token(force_refresh)
        return _requested(lambda: self._app.acquire_token_for_client(resource=self._resource, **self._kwargs))


class ServicePrincipalProvider(IdentityProviderInterface):
    """Tokens of an application."""

    def __init__(self, app, scopes: Optional[List[str]] = None, **kwargs):
        self._app = app
        self._scopes = scopes
        self._kwargs = kwargs

    def request_token(self, force_refresh=False) -> TokenInterface:
        if isinstance(self._app, _native.Application):
            return self._app.request_token(force_refresh)
        if force_refresh:
            self._app.remove_tokens_for_client()
        return _requested(lambda: self._app.acquire_token_for_client(scopes=self._scopes, **self._kwargs))


class DefaultAzureCredentialProvider(IdentityProviderInterface):
    """Tokens of the first identity that the environment has."""

    def __init__(self, app, scopes: Tuple[str, ...], additional_tenant_id: Optional[str] = None, **kwargs):
        self._app = app
        self._scopes = scopes
        self._additional_tenant_id = additional_tenant_id
        self._kwargs = kwargs

    def request_token(self, force_refresh=False) -> TokenInterface:
        if isinstance(self._app, _native.Application):
            return self._app.request_token(force_refresh)
        try:
            response = self._app.get_token(*self._scopes, tenant_id=self._additional_tenant_id, **self._kwargs)
        except Exception as error:
            raise RequestTokenErr(error) from error
        return token_of(response.token)


def _requested(acquire):
    """What an application of msal's answers, as a token."""
    try:
        response = acquire()
    except Exception as error:
        raise RequestTokenErr(error) from error
    if "error" in response:
        raise RequestTokenErr(response.get("error_description", response["error"]))
    return token_of(response["access_token"])


def _create_provider_from_managed_identity(config: ManagedIdentityProviderConfig) -> ManagedIdentityProvider:
    options = {"identity": "managed_identity", "scope": _native.scope_of(config.resource)}
    # Compared by name: a program may pass a member of the original package's enumeration.
    if config.identity_type.name == "USER_ASSIGNED":
        if config.id_type is None or config.id_value in ("", None):
            raise ValueError("Id_type and id_value are required for User Assigned identity auth")
        options[config.id_type.value] = config.id_value
    _native.say_ignored("kwargs", config.kwargs)
    return ManagedIdentityProvider(_native.Application(options), config.resource, **(config.kwargs or {}))


def _create_provider_from_service_principal(
    config: ServicePrincipalIdentityProviderConfig,
) -> ServicePrincipalProvider:
    scopes = ["https://redis.azure.com/.default"] if config.scopes is None else list(config.scopes)
    options = _native.service_principal(config, scopes)
    if options is None:
        authority = f"https://login.microsoftonline.com/{config.tenant_id or 'common'}"
        application = _native.required(__getattr__, "ConfidentialClientApplication", config.app_kwargs)
        app = application(
            client_id=config.client_id,
            client_credential=config.client_credential,
            timeout=config.timeout,
            **{"authority": authority, **(config.app_kwargs or {})},
        )
    else:
        _native.say_ignored("token_kwargs", config.token_kwargs)
        app = _native.Application(options)
        del options  # see create_from_service_principal
    return ServicePrincipalProvider(app, scopes, **(config.token_kwargs or {}))


def _create_provider_from_default_azure_credential(
    config: DefaultAzureCredentialIdentityProviderConfig,
) -> DefaultAzureCredentialProvider:
    scopes = tuple(config.scopes or ("https://redis.azure.com/.default",))

    def credential():
        kind = _native.required(__getattr__, "DefaultAzureCredential", config.app_kwargs)
        authority = {"authority": config.authority} if config.authority else {}
        return kind(**authority, **(config.app_kwargs or {}))

    options = _native.default_credential(config, scopes)
    if options is None:
        app = credential()
    else:
        _native.say_ignored("token_kwargs", config.token_kwargs)
        wants_browser = (config.app_kwargs or {}).get("exclude_interactive_browser_credential") is False
        app = _native.Application(options, credential if wants_browser else None)
    return DefaultAzureCredentialProvider(app, scopes, config.additional_tenant_id, **(config.token_kwargs or {}))
