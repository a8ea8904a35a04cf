from types import TracebackType
from typing import Any, Callable, Optional, Type, Union, final

from typing_extensions import Self

from ._credentials import Credentials

__version__: str
METRICS_CONTENT_TYPE: str
KEYS: list[str]
# How long a hook may wait for the token of a connection that is being opened, in seconds.
CONNECT_TIMEOUT_S: float

@final
class Token:
    """An access token and the Redis user name that goes with it. Immutable; its repr shows no secret."""

    @property
    def secret(self) -> str:
        """The access token: the password of the Redis AUTH. A bearer secret: do not log it."""

    @property
    def username(self) -> str:
        """The object id of the identity: the user name of the Redis AUTH."""

    @property
    def version(self) -> int:
        """Its number among the provider's tokens, from 1."""

    @property
    def expires_on(self) -> float:
        """When it expires, in seconds since the Unix epoch, as time.time() gives them."""

    @property
    def refresh_on(self) -> float:
        """When the provider means to replace it, in seconds since the Unix epoch."""

    @property
    def _credentials(self) -> Credentials: ...

@final
class Rejection:
    """What is to be made of a server's refusal of a token."""

    @property
    def reason(self) -> str:
        """The likely reason, as in metrics: no_access_policy, wrong_audience, stale_token, no_permission and others."""

    @property
    def explanation(self) -> str:
        """Who the token was for, and what to do. It holds ids, no secret."""

@final
class Connection:
    """An open connection to a server, in the books of a subscription; closed when it is collected, or by closed(). A
    connection that connects anew is another one. In a forked child, where it is the parent's, it does nothing."""

    def is_behind(self, version: int) -> bool:
        """Whether it is to be authenticated with the token of this version: it is on an older one, and its server has not
        refused this one."""

    def authenticated(self, version: int) -> None:
        """The server took the token of this version. Never blocks."""

    def refused(self, version: int, message: str) -> Rejection:
        """Something else came instead, with this message: as Provider.report_rejected, and for this connection. Never blocks."""

    def closed(self) -> None:
        """The connection is closed. Never blocks."""

@final
class Subscription:
    def opened(self, version: int) -> Optional[Connection]: ...
    def unsubscribe(self, timeout: Optional[float] = None) -> bool: ...
    def ack(self, version: int, accepted: bool) -> None: ...

@final
class Observation: ...

class Provider:
    def __new__(cls, **options: Any) -> Self: ...
    def get_token(self, timeout: Optional[float] = None, *, wait: bool = True) -> Token: ...
    def get_credentials(self, timeout: Optional[float] = None, *, wait: bool = True) -> Credentials: ...
    def ready(self, timeout: Optional[float] = None) -> None: ...
    def refresh(self) -> None: ...
    def report_rejected(self, version: int, message: str) -> Rejection: ...
    def status(self) -> dict[str, Any]: ...
    def metrics(self) -> str: ...
    def _get_token_then(
        self,
        done: Callable[[Optional[Token], Optional[Exception]], object],
        timeout: Optional[float] = None,
        *,
        wait: bool = True,
    ) -> bool:
        """Calls done(token, error) once, on any thread. False: the interpreter ends, no thread may call it."""

    def _about_to_block(self) -> None: ...
    def _observe(self, level: int, callback: Callable[[str, int, str], object]) -> Observation: ...
    def _subscribe(self, callback: Callable[[Token], object]) -> Subscription: ...
    def current(self) -> Optional[Token]: ...
    def current_usable(self) -> Optional[Token]: ...
    @property
    def version(self) -> int: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        _kind: Optional[Type[BaseException]],
        _value: Optional[BaseException],
        _traceback: Optional[TracebackType],
    ) -> None: ...

class CredentialSource:
    def __new__(cls, *_args: Any, **_options: Any) -> Self: ...
    def _draw_from(self, provider: Provider) -> None: ...
    def get_credentials(self) -> Credentials: ...
    def _nothing(self) -> None: ...

def check_plaintext(peer: str, name: str, remedy: str) -> None:
    """Refuses a connection without TLS that leaves this machine."""

def inherit(settings: list[tuple[str, str, float, float]]) -> tuple[dict[str, str], Optional[str]]:
    """What is made of an older library's settings, each as (our key, the name that its user wrote, the value, that library's
    default): values for a Provider, and a warning or None."""

def is_refusal(message: str) -> bool:
    """Whether an error's message is a server's refusal of an AUTH, whatever client has worded it."""

def render_metrics(providers: list[Provider]) -> str:
    """The metrics of several providers of one process as one text for Prometheus. Give each provider a name."""

def finish() -> None: ...
def forked() -> None: ...
