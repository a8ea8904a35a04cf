"""Waits for the token of a connection that is being opened, and no longer than that is wanted: who disconnects it meanwhile
ends the wait. Plain redis-py ends so while the server's answer to an AUTH is awaited.
"""

import asyncio
import threading
import weakref

from .._entrakey import CONNECT_TIMEOUT_S
from .._greenlets import handed_over
from ._quirks.owners import callers
from ._quirks.packages import package_of


def connecting(frame):
    """The connection that asks for credentials, seen from the method that it asks; None if it is a program that asks."""
    for caller in callers(frame):
        candidate = caller.f_locals.get("self")
        if hasattr(candidate, "read_response") and hasattr(candidate, "credential_provider"):
            return candidate
    return None


def wait(provider, connection):
    """The credentials, or what stands in their way."""
    if connection is not None:
        token = _wait_with(provider, connection)
        if token is not None:
            return token._credentials
    return provider.get_credentials(CONNECT_TIMEOUT_S, wait=False)


def _wait_with(provider, connection):
    """None if no thread may answer any more, or answers in this process: the provider itself can still wait."""
    provider._about_to_block()
    answers, arrived = [], threading.Event()

    def answer(token, error):
        answers.append((token, error))
        arrived.set()

    with _Watch(connection, lambda error: answer(None, error)):
        if not provider._get_token_then(handed_over(answer), CONNECT_TIMEOUT_S, wait=False):
            return None
        arrived.wait(2 * CONNECT_TIMEOUT_S)
        token, error = answers[0] if answers else (None, None)
        if error is not None:
            raise error
        return token


async def wait_async(provider, connection):
    answer = provider._get_token_later(CONNECT_TIMEOUT_S, wait=False)
    if connection is None or not isinstance(answer, asyncio.Future):
        token = await answer
    else:
        with _Watch(connection, lambda error: answer.done() or answer.set_exception(error)):
            token = await answer
    return token._credentials


class _Watch:
    """Stands in the place of a connection's `disconnect`, and calls `closed(error)` with what its connect is to raise."""

    def __init__(self, connection, closed):
        # A strong reference while the wait lasts: a connection disconnects itself when it is collected.
        self._connection = lambda: connection
        self._kind = type(connection)
        self._closed = closed
        self._error = None

    def __enter__(self):
        connection = self._connection()
        is_async = hasattr(connection, "_writer")
        connection.disconnect = self._disconnect_async if is_async else self._disconnect

    def __exit__(self, _kind, error, _traceback):
        if self._error is None:
            self._end()
            return
        # This watch stays in place until the next connect; from here on it must not keep the connection alive.
        self._connection = weakref.ref(self._connection())
        if error is None:  # the token came at the same moment, but the connection is closed
            raise self._error

    def _end(self):
        vars(self._connection()).pop("disconnect", None)

    def _disconnect(self, *args, **options):
        connection = self._connection()
        if connection is None:
            return  # the connection is being collected; it was disconnected when the wait ended
        self._note()
        self._kind.disconnect(connection, *args, **options)
        self._forbid_another_try(args, options)

    async def _disconnect_async(self, *args, **options):
        connection = self._connection()
        if connection is None:
            return
        self._note()
        await self._kind.disconnect(connection, *args, **options)
        self._forbid_another_try(args, options)

    def _note(self):
        if self._error is None:
            self._error = package_of(self._connection()).ConnectionError("Connection closed while its token was awaited.")
            self._closed(self._error)

    def _forbid_another_try(self, args, options):
        """From redis-py 7 on a connect that fails is tried again: it says why it disconnects, and then connects anew."""
        if any(value is self._error for value in (*args, *options.values())):
            self._end()
            raise self._error
