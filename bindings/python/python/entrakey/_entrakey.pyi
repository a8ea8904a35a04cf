from types import TracebackType
from typing import Callable, Optional, Type, Union

__version__: str

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

class Subscription:
    """A listener's registration. Ends when it is collected; never waits for a callback under way."""

    def unsubscribe(self) -> None: ...

class Provider:
    def __new__(cls, **options: Union[str, int, float, bool, None]) -> Provider: ...
    def get_token(self, timeout: Optional[float] = None, *, wait: bool = True) -> Token: ...
    def _get_token_then(
        self,
        done: Callable[[Optional[Token], Optional[Exception]], object],
        timeout: Optional[float] = None,
        *,
        wait: bool = True,
    ) -> bool:
        """Calls done(token, error) once, on any thread. False: the interpreter ends, no thread may call it."""

    def current(self) -> Optional[Token]: ...
    def current_usable(self) -> Optional[Token]: ...
    @property
    def version(self) -> int: ...
    def subscribe(self, callback: Callable[[Token], object]) -> Subscription: ...
    def close(self) -> None: ...
    def __enter__(self) -> Provider: ...
    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        value: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None: ...

def finish() -> None: ...
def forked() -> None: ...
