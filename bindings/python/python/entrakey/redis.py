"""redis-py: credentials for each new connection, and re-authentication of those that are open.

    client = redis.Redis(..., ssl=True, credential_provider=CredentialProvider(provider))
"""

import asyncio
import inspect
import logging
import os
import weakref

from redis.credentials import StreamingCredentialProvider

_log = logging.getLogger("entrakey.redis")

# redis-py asks for credentials while it connects, and again for each of its own retries.
_CONNECT_TIMEOUT_S = 5.0


class CredentialProvider(StreamingCredentialProvider):
    """One provider for any number of redis-py clients, sync and asyncio.

    Clients are held weakly. Their idle connections are re-authenticated on a thread of the library's,
    those in use when they are released; a pub/sub connection reconnects instead.
    """

    def __init__(self, provider):
        self._provider = provider
        self._listeners = []  # weak references to redis-py's bound methods
        self._loop = None
        self._subscription = None
        self._subscribed_in = None  # process id: a forked child has to subscribe again

    def get_credentials(self):
        self._subscribe()
        token = self._provider.get_token(_CONNECT_TIMEOUT_S, wait=False)
        return token.username, token.secret

    async def get_credentials_async(self):
        self._loop = asyncio.get_running_loop()
        self._subscribe()
        token = await self._provider.get_token_async(_CONNECT_TIMEOUT_S, wait=False)
        return token.username, token.secret

    def on_next(self, callback):
        reference = weakref.WeakMethod(callback) if inspect.ismethod(callback) else lambda: callback
        known = [listener() for listener in self._listeners]
        self._listeners = [listener for listener, alive in zip(self._listeners, known) if alive]
        if callback not in known:
            self._listeners.append(reference)
        self._subscribe()

    def on_error(self, callback):
        """redis-py's callback only raises, into whichever thread calls it; errors are logged instead."""

    def is_streaming(self):
        return True

    def _subscribe(self):
        if self._listeners and self._subscribed_in != os.getpid():
            own = weakref.WeakMethod(self._notify)
            self._subscription = self._provider.subscribe(lambda token: _forward(own, token))
            self._subscribed_in = os.getpid()

    def _notify(self, token):
        for listener in list(self._listeners):
            callback = listener()
            if callback is None:
                continue
            try:
                self._tell(callback, _RedisToken(token))
            except Exception:
                _log.exception("a Redis connection could not be re-authenticated")

    def _tell(self, callback, token):
        owner = getattr(callback, "__self__", None)
        if type(owner).__name__ == "RegisterReAuthForPubSub":
            # AUTH from here would read from a socket that another thread is reading: over TLS that
            # crashes the process. The reader reconnects by itself and subscribes again.
            owner._connection.mark_for_reconnect()
        elif inspect.iscoroutinefunction(callback):
            if self._loop is not None and self._loop.is_running():
                future = asyncio.run_coroutine_threadsafe(callback(token), self._loop)
                future.add_done_callback(_log_failure)
        else:
            callback(token)


def _forward(notify, token):
    """Called from the library with a weak reference, so that a subscription keeps nothing alive."""
    method = notify()
    if method is not None:
        method(token)


def _log_failure(future):
    error = None if future.cancelled() else future.exception()
    if error is not None:
        _log.error("a Redis connection could not be re-authenticated", exc_info=error)


class _RedisToken:
    """What redis-py's callbacks ask of a token."""

    __slots__ = ("_token",)

    def __init__(self, token):
        self._token = token

    def try_get(self, key):
        return self._token.username if key == "oid" else None

    def get_value(self):
        return self._token.secret
