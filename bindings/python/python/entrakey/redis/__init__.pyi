from typing import Any, Awaitable, Callable, Optional, TypeVar, Union

from redis.credentials import StreamingCredentialProvider
from valkey.credentials import CredentialProvider as ValkeyCredentialProvider

from .._credentials import Credentials
from .._entrakey import CredentialSource
from .._provider import Provider

__all__ = ["CredentialProvider", "address_remap", "attach"]

_Client = TypeVar("_Client")

class CredentialProvider(CredentialSource, StreamingCredentialProvider, ValkeyCredentialProvider):
    """One provider for any number of redis-py or valkey-py clients, sync and asyncio, pools, clusters, Sentinel.

    Pass it as credential_provider to any of their constructors. New connections authenticate with a valid token;
    open ones are re-authenticated before theirs expires, each by whoever has it to himself: idle ones by a thread of
    the library's or on their event loop, those in use when they are released, RESP3 subscriptions by their reader.
    Connections and clients are held weakly.

    Without `provider`, as frameworks make it that take a dotted name ("entrakey.redis.CredentialProvider"), the
    environment says whose tokens these are (docs/configuration.md); all that are made so share one provider.

    A connection without TLS to anything but loopback or a Unix socket is refused, unless allow_plaintext is set.

    In a client every error of entrakey's derives from redis.RedisError too (and from valkey.ValkeyError), and a server's
    refusal (the client's AuthenticationError) says its likely cause.
    """

    _provider: Provider

    def __init__(self, provider: Optional[Provider] = None, *, allow_plaintext: bool = False) -> None: ...
    def get_credentials(self) -> Credentials:
        """(username, secret) for a new connection. Blocks for 5 seconds at most, and not while an outage is known."""

    async def get_credentials_async(self) -> Union[tuple[str], tuple[str, str]]:
        """As get_credentials, without blocking the event loop."""

    def on_next(self, callback: Union[Callable[[Any], object], Awaitable[object]]) -> None:
        """Calls callback(token) with each new token (try_get("oid"), get_value()); a coroutine on the event loop that
        runs now, or else on the one on which the next connection opens. A method is held weakly."""

    def on_error(self, callback: Union[Callable[[Exception], object], Awaitable[object]]) -> None:
        """Nothing: errors are logged (entrakey.redis), and redis-py's own callback only raises into our thread."""

    def is_streaming(self) -> bool: ...
    def _fetch_credentials(self) -> Union[tuple[str], tuple[str, str]]: ...
    def _callback_failed(self, error: BaseException) -> None: ...
    def _tell(self, listener: Any, what: Any) -> None: ...

def address_remap(host: str) -> Callable[[tuple[str, int]], tuple[str, int]]:
    """For RedisCluster(address_remap=…): every node is reached by this host name, at the port it announces. Nodes of
    Azure Managed Redis with the OSS cluster policy announce addresses that their certificate does not cover."""

def attach(client: _Client, credentials: Optional[CredentialProvider] = None) -> _Client:
    """Gives a client, pool or cluster that was made without it a credential provider; returns the client.

    For clients that a framework makes from a URL. Connections that are open keep their authentication; attach before
    the first command. Without `credentials` the client must have a provider already."""
