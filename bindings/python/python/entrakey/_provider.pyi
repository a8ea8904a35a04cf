import os
from datetime import datetime
from typing import Any, Awaitable, Callable, NoReturn, Optional, Protocol, Union

from typing_extensions import Self

from . import _entrakey
from ._credentials import Credentials
from ._entrakey import Rejection, Token
from ._subscription import Subscription

_Path = Union[str, os.PathLike[str]]

class _AccessToken(Protocol):
    """What azure-identity's credentials return; expires_on in seconds since the Unix epoch."""

    @property
    def token(self) -> str: ...
    @property
    def expires_on(self) -> float: ...

_Supplied = Union[str, tuple[str, Union[float, datetime, None]], _AccessToken]
_Answer = Union[_Supplied, Awaitable[_Supplied]]
_TokenCallback = Union[Callable[[str], _Answer], Callable[[], _Answer]]
_AssertionCallback = Callable[[], Union[str, Awaitable[str]]]

class Provider(_entrakey.Provider):
    """Supplies the access token of one identity and keeps it fresh.

    Options are configuration keys in snake_case (docs/configuration.md lists them); what is not given comes from the
    environment, then from config_file, both read now and never again. No network I/O, no thread. Raises InvalidConfig.

    Safe to use from any thread, and in a forked child, which starts from its parent's token; subscriptions and logging
    go on there. A provider that is collected closes. Its events are records of the logger "entrakey": INFO for a new
    token, WARNING when something begins to go wrong, DEBUG for each step.

    token_callback(scope), or token_callback() if it takes nothing, supplies the tokens itself, as a text (a JWT that says
    when it expires), with its expiry (seconds since the Unix epoch, or a datetime with a time zone), or as an AccessToken.
    assertion_callback() supplies the client assertions with which the application of tenant_id and client_id signs in.
    Either is called on a thread of the library's, one call at a time, may block or be async, and has request_timeout_ms;
    what it raises is a CallbackFailed and is tried again.

    What is async runs on the event loop that ran when the provider was made, or else on the first on which a token was
    awaited; in a program that has neither, on a loop of its own.
    """

    def __new__(
        cls,
        *,
        token_callback: Optional[_TokenCallback] = None,
        assertion_callback: Optional[_AssertionCallback] = None,
        **options: Any,
    ) -> Self: ...
    @classmethod
    def managed_identity(cls, **options: Any) -> Self:
        """The machine's system-assigned identity, or the user-assigned one that client_id, object_id or resource_id
        names."""

    @classmethod
    def service_principal(cls, **options: Any) -> Self:
        """An application (tenant_id, client_id) with a client_secret, as it is or in the file client_secret_path, or
        with a certificate (certificate_path and private_key_path, or a PFX, or the PEM texts themselves)."""

    @classmethod
    def workload_identity(cls, **options: Any) -> Self:
        """A pod's workload identity on Kubernetes: what its webhook puts into the environment."""

    @classmethod
    def client_assertion(
        cls, assertion_callback: Optional[_AssertionCallback] = None, **options: Any
    ) -> Self:
        """An application that signs in with assertions of somebody else's: a callback's, or the file
        client_assertion_path."""

    @classmethod
    def azure_cli(cls, **options: Any) -> Self:
        """Whoever has signed in with `az login`."""

    @classmethod
    def azure_developer_cli(cls, **options: Any) -> Self:
        """Whoever has signed in with `azd auth login`."""

    @classmethod
    def azure_pipelines(cls, **options: Any) -> Self:
        """A service connection of Azure Pipelines."""

    @classmethod
    def token_file(cls, **options: Any) -> Self:
        """Whose token somebody else keeps fresh in the file token_file_path: `entrakey agent`, a sidecar."""

    @classmethod
    def environment(cls, **options: Any) -> Self:
        """The application that AZURE_TENANT_ID, AZURE_CLIENT_ID and a secret or certificate describe."""

    @classmethod
    def default(cls, **options: Any) -> Self:
        """The first identity that is there: environment, workload identity, managed identity, az, azd."""

    @classmethod
    def custom(cls, token_callback: _TokenCallback, **options: Any) -> Self:
        """Tokens of the host's own."""

    @classmethod
    def from_credential(cls, credential: Any, **options: Any) -> Self:
        """Tokens of a credential of azure-identity, sync or async (`azure.identity.aio`).

        An async one is asked on the caller's event loop (see Provider), on which the program may use it too; while that
        loop does not run there are no new tokens. Raises TypeError if it has neither get_token nor get_token_info.
        """

    def get_token(self, timeout: Optional[float] = None, *, wait: bool = True) -> Token:
        """A valid token: from memory, or from the source.

        Blocks only in the second case, GIL released, for at most `timeout` seconds (the configured
        get_token_timeout_ms if None), through failures that pass. Signal handlers run meanwhile: Ctrl-C ends
        the wait. However many threads call, there is one request. On the thread of a running event loop it blocks that
        loop while it waits, and never deadlocks: if the token comes from that loop, it raises CallbackFailed at once.
        With wait=False a known outage is reported at once. Raises EntrakeyError.
        """

    def get_credentials(self, timeout: Optional[float] = None, *, wait: bool = True) -> Credentials:
        """(username, secret) of get_token: from memory the same tuple until the next token."""

    async def get_credentials_async(self) -> NoReturn:
        """What redis.asyncio asks a credential provider for. Raises TypeError: pass
        entrakey.redis.CredentialProvider(provider) to a client."""

    async def get_token_async(self, timeout: Optional[float] = None, *, wait: bool = True) -> Token:
        """As get_token, without blocking the event loop. However many wait, no thread of Python's does."""

    def ready(self, timeout: Optional[float] = None) -> None:
        """Waits until get_token would answer from memory: for health checks at start-up. Raises as get_token."""

    async def ready_async(self, timeout: Optional[float] = None) -> None:
        """As ready, without blocking the event loop."""

    def current(self) -> Optional[Token]:
        """The token in memory if it is valid, however little is left of it. Never blocks, never fetches."""

    def current_usable(self) -> Optional[Token]:
        """The token that get_token would hand out without waiting."""

    @property
    def version(self) -> int:
        """The version of the token in memory, 0 while there is none."""

    def subscribe(self, callback: Callable[[Token], object]) -> Subscription:
        """Calls callback(token) with each token that replaces another, on a thread of the library's, one call at a
        time, early enough to re-authenticate. (The first token replaces none.) Keep what is returned: the subscription
        ends with it. What the callback raises goes to sys.unraisablehook. Raises Closed."""

    def refresh(self) -> None:
        """Asks for a new token soon, whatever is left of the current one, which stays in service. Call it when a secret
        was replaced. Never blocks. Raises Closed."""

    def report_rejected(self, version: int, message: str) -> Rejection:
        """Says that a server refused the token of `version`, and with what message, and explains it. If another token
        could help, one is asked for, ever more rarely. Never blocks. Raises Closed."""

    def status(self) -> dict[str, Any]:
        """What the provider is doing: state, ready, version, validity_left_ms, next_refresh_in_ms, attempts, last_error,
        clock_skew_ms, listeners, counters and others. No secret, no object id. Never blocks, never fetches."""

    def metrics(self) -> str:
        """The provider's metrics as text for Prometheus (METRICS_CONTENT_TYPE); see render_metrics for several."""

    def close(self) -> None:
        """Ends the background work and forgets the token. Waits for nothing; calls that wait raise Closed."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_: object) -> None: ...
