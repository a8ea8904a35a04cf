"""redis-py: credentials for each new connection, and re-authentication of those that are open.

    client = redis.Redis(..., ssl=True, credential_provider=CredentialProvider(provider))
"""

import asyncio
import logging
import os
import weakref

from redis.credentials import StreamingCredentialProvider

from ._redis_listeners import Listeners

_log = logging.getLogger("entrakey.redis")

# redis-py asks for credentials while it connects, and again for each of its own retries.
_CONNECT_TIMEOUT_S = 5.0


class CredentialProvider(StreamingCredentialProvider):
    """One provider for any number of redis-py clients, sync and asyncio.

    Clients are held weakly. Their idle connections are re-authenticated on a thread of the library's, or on
    their own event loop, those in use when they are released; a pub/sub connection reconnects instead.
    """

    def __init__(self, provider):
        self._provider = provider
        self._listeners = Listeners()
        self._tasks = set()  # a loop holds its tasks weakly
        self._subscription = None
        self._subscribed_in = None  # process id: a forked child has to subscribe again

    def get_credentials(self):
        self._subscribe()
        token = self._provider.get_token(_CONNECT_TIMEOUT_S, wait=False)
        return token.username, token.secret

    async def get_credentials_async(self):
        self._listeners.connecting(asyncio.get_running_loop())
        self._subscribe()
        token = await self._provider.get_token_async(_CONNECT_TIMEOUT_S, wait=False)
        return token.username, token.secret

    def on_next(self, callback):
        self._listeners.add(callback)
        self._subscribe()

    def on_error(self, callback):
        """redis-py's callback only raises, into whichever thread calls it; errors are logged instead."""

    def is_streaming(self):
        return True

    def _subscribe(self):
        # Two threads may both get here; the subscription that is overwritten ends.
        if self._subscribed_in != os.getpid() and self._listeners.alive():
            own = weakref.WeakMethod(self._notify)
            self._subscription = self._provider.subscribe(lambda token: _forward(own, token))
            self._subscribed_in = os.getpid()

    def _notify(self, token):
        for listener in self._listeners.alive():
            try:
                self._tell(listener, token)
            except Exception:
                _log.exception("a Redis connection could not be re-authenticated")

    def _tell(self, listener, token):
        callback = listener.callback()
        owner = getattr(callback, "__self__", None)
        if type(owner).__name__ == "RegisterReAuthForPubSub":
            # AUTH from here would read from a socket that another thread is reading: over TLS that
            # crashes the process. The reader reconnects by itself and subscribes again.
            owner._connection.mark_for_reconnect()
        elif listener.awaits:
            self._tell_on_its_loop(listener, token)
        elif callback is not None:
            callback(_RedisToken(token))

    def _tell_on_its_loop(self, listener, token):
        loop = listener.loop
        if loop is None or loop is listener.mourned:
            return  # it has no connection that could be re-authenticated
        try:
            loop.call_soon_threadsafe(self._start, listener, token)
        except RuntimeError:
            listener.mourned = loop
            _log.warning(
                "the event loop of a Redis client has ended, so its connections are not re-authenticated; "
                "they will be again once the client connects on another loop"
            )

    def _start(self, listener, token):
        callback = listener.callback()
        if callback is None:
            return
        newest = self._provider.current() or token  # the loop may have stood still for long
        task = asyncio.get_running_loop().create_task(callback(_RedisToken(newest)))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task):
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _log.error("a Redis connection could not be re-authenticated", exc_info=error)


def _forward(notify, token):
    """Called from the library with a weak reference, so that a subscription keeps nothing alive."""
    method = notify()
    if method is not None:
        method(token)


class _RedisToken:
    """What redis-py's callbacks ask of a token."""

    __slots__ = ("_token",)

    def __init__(self, token):
        self._token = token

    def try_get(self, key):
        return self._token.username if key == "oid" else None

    def get_value(self):
        return self._token.secret
