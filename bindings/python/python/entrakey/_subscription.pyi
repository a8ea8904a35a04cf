from typing import Callable, Optional

from ._entrakey import Connection, Token
from ._provider import Provider

class Subscription:
    """A listener's registration. Ends when it is collected; never waits for a callback under way. A forked child has
    it too."""

    def __init__(self, provider: Provider, callback: Callable[[Token], object]) -> None: ...
    def unsubscribe(self, timeout: Optional[float] = None) -> bool:
        """Ends it. With a timeout in seconds waits, GIL released, for a call under way, unless called from inside it;
        False if that has not returned in time."""

    def opened(self, version: int) -> Optional[Connection]:
        """A connection is about to authenticate with the token of this version: for clients that know their connections one
        by one. From the first one on these say which tokens the listener is on, and ack says nothing of that any more.
        None if the subscription has ended. Never blocks."""

    def ack(self, version: int, accepted: bool = True) -> None:
        """Says what became of a re-authentication with the token of this version, for status and metrics. From the
        first call on the listener counts as being on a token only when it has acknowledged it. Never blocks."""
