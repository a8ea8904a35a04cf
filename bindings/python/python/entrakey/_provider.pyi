import os
from typing import Awaitable, Callable, Optional, Protocol, Union

from . import _entrakey
from ._entrakey import Token

class AccessToken(Protocol):
    """What azure-identity's credentials return; expires_on in seconds since the Unix epoch."""

    @property
    def token(self) -> str: ...
    @property
    def expires_on(self) -> float: ...

Supplied = Union[str, tuple[str, Optional[float]], AccessToken]

class Provider(_entrakey.Provider):
    """Supplies the access token of one identity and keeps it fresh.

    Options are configuration keys in snake_case (the README lists them); what is not given comes from the
    environment, then from config_file, both read now and never again. No network I/O. Raises InvalidConfig.

    Safe to use from any thread, and in a forked child, which starts from its parent's token.

    token_callback(scope) supplies the tokens itself, as a text (a JWT that says when it expires), with its expiry, or
    as an AccessToken: pass `credential.get_token` of an azure-identity credential. assertion_callback() supplies the
    client assertions with which the application of tenant_id and client_id signs in. Either is called on a thread of
    the library's, one call at a time, may block or be async (it then runs in an event loop of its own), and has
    request_timeout_ms; what it raises is a CallbackFailed and is tried again.
    """

    def __new__(
        cls,
        *,
        token_callback: Optional[Callable[[str], Union[Supplied, Awaitable[Supplied]]]] = None,
        assertion_callback: Optional[Callable[[], Union[str, Awaitable[str]]]] = None,
        **options: object,
    ) -> Provider: ...

    @classmethod
    def managed_identity(
        cls,
        *,
        client_id: Optional[str] = None,
        object_id: Optional[str] = None,
        resource_id: Optional[str] = None,
        **options: object,
    ) -> Provider:
        """The machine's system-assigned identity, or the user-assigned one that an id names."""

    @classmethod
    def service_principal(
        cls,
        *,
        tenant_id: Optional[str] = None,
        client_id: Optional[str] = None,
        client_secret: Optional[str] = None,
        client_secret_path: Optional[Union[str, os.PathLike[str]]] = None,
        **options: object,
    ) -> Provider:
        """An application with a client secret, as it is or in a file that is read for each request."""

    def get_token(self, timeout: Optional[float] = None, *, wait: bool = True) -> Token:
        """A valid token: from memory, or from the source.

        Blocks only in the second case, GIL released, for at most `timeout` seconds (the configured
        get_token_timeout_ms if None), through failures that pass. Signal handlers run meanwhile: Ctrl-C ends
        the wait. However many threads call, there is one request. With
        wait=False a known outage is reported at once. Raises EntrakeyError.
        """

    async def get_token_async(self, timeout: Optional[float] = None, *, wait: bool = True) -> Token:
        """As get_token, without blocking the event loop. However many wait, no thread of Python's does."""

    async def __aenter__(self) -> Provider: ...
    async def __aexit__(self, *_: object) -> None: ...
