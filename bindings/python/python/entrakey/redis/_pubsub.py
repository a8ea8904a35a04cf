"""Subscribed connections in RESP3: authenticated by whoever reads them, among the messages.

A second thread must not touch a TLS connection that is being read, and a server answers AUTH between two messages.
So the reader sends AUTH itself, before it waits and from time to time while it waits, and takes the answer out of the
messages. In RESP2 a subscribed connection cannot send AUTH at all: the server closes it with its token, and redis-py
connects and subscribes anew.
"""

import contextlib
import time

from .._entrakey import is_refusal
from ._authentication import is_open
from ._quirks import refusals

# A reader that waits for messages looks for a new token after 1/_LOOKS of the time that its own token is still valid.
_LOOKS = 50
_LONGEST_LOOK_S = 5.0
_SHORTEST_LOOK_S = 0.05
_LOCK_PATIENCE_S = 0.2
_OK = (b"OK", "OK")


class Reader:
    """Stands between a PubSub and its blocking connection, until the PubSub lets go of it: then the connection is one
    of its pool's again, and an answer OK is some command's."""

    covers = ["can_read", "read_response", "deregister_connect_callback"]  # methods of the connection

    def __init__(self, source, link, lock):
        self.source = source
        self.link = link
        self.lock = lock  # a thread that subscribes holds this lock while it writes
        self.pending = []  # versions of the tokens that were sent and not answered yet
        self.connecting = False  # in a handshake: until the PubSub reads again, answers belong to the handshake

    def install(self):
        connection = self.link.connection()
        self.link.reader = self
        kind, me = type(connection), self.link.connection
        connection.can_read = lambda timeout=0: self.can_read(kind, me(), timeout)
        connection.read_response = lambda *args, **options: self.read_response(kind, me(), args, options)
        connection.deregister_connect_callback = lambda callback: self.end(kind, me(), callback)

    def end(self, kind, connection, callback):
        """A PubSub that is closed takes its callback back before the pool gets the connection."""
        kind.deregister_connect_callback(connection, callback)
        self.link.reader = None
        for name in self.covers:
            connection.__dict__.pop(name, None)

    def can_read(self, kind, connection, timeout):
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            self.look(connection)
            wait = self.patience(deadline)
            if kind.can_read(connection, timeout=wait):
                return True
            if deadline is not None and time.monotonic() >= deadline:
                return False

    def read_response(self, kind, connection, args, options):
        if not options.get("push_request"):
            return kind.read_response(connection, *args, **options)  # a read of the handshake
        self.connecting = False
        limit = options.get("timeout", getattr(connection, "socket_timeout", None))
        limit = limit if isinstance(limit, (int, float)) else None
        if is_open(connection):
            self.can_read(kind, connection, limit)
        try:
            with refusals.read_for_good(connection) if self.pending else contextlib.nullcontext():
                response = kind.read_response(connection, *args, **options)
        except Exception as error:
            if self.pending and is_refusal(str(error)):
                self.link.refused(self.pending.pop(0), error)
                return None
            raise
        return None if self.took(response) else response

    def look(self, connection):
        credentials = self.source._announced
        if not self.may_send(credentials):
            return
        if self.lock.acquire(timeout=_LOCK_PATIENCE_S):
            try:
                self.pending.append(credentials.version)
                connection.send_command("AUTH", credentials[0], credentials[1], check_health=False)
            finally:
                self.lock.release()

    def may_send(self, credentials):
        return (
            credentials is not None
            and not self.connecting
            and credentials.version not in self.pending
            and self.link.needs(credentials)
        )

    def took(self, response):
        """Whether it is the answer to an AUTH. No message is a plain OK: those are lists."""
        if not self.pending or not isinstance(response, (bytes, str)) or response not in _OK:
            return False
        self.link.accepted(self.pending.pop(0))
        return True

    def patience(self, deadline):
        good_for = self.source._valid_until - time.time()
        wait = min(max(good_for / _LOOKS, _SHORTEST_LOOK_S), _LONGEST_LOOK_S)
        return wait if deadline is None else max(min(wait, deadline - time.monotonic()), 0)

    def reconnected(self):
        self.pending.clear()
        self.connecting = True


class AsyncReader(Reader):
    """On an event loop nobody else runs while AUTH is written, so that the reader has only to take the answer."""

    covers = ["read_response", "deregister_connect_callback"]

    def install(self):
        connection = self.link.connection()
        self.link.reader = self
        kind, me = type(connection), self.link.connection

        async def read_response(*args, **options):
            return await self.read_response_async(kind, me(), args, options)

        connection.read_response = read_response
        connection.deregister_connect_callback = lambda callback: self.end(kind, me(), callback)

    async def read_response_async(self, kind, connection, args, options):
        if not options.get("push_request"):
            return await kind.read_response(connection, *args, **options)
        if self.connecting:
            self.connecting = False
            await self.send(self.source._announced)
        try:
            # An AUTH may be sent while this coroutine waits. Its refusal keeps the connection, any other error ends it.
            response = await kind.read_response(connection, *args, **{**options, "disconnect_on_error": False})
        except BaseException as error:
            if self.pending and is_refusal(str(error)):
                self.link.refused(self.pending.pop(0), error)
                return None
            if options.get("disconnect_on_error", True):
                await connection.disconnect(nowait=True)
            raise
        return None if self.took(response) else response

    async def send(self, credentials):
        connection = self.link.connection()
        if self.may_send(credentials):
            self.pending.append(credentials.version)
            await connection.send_command("AUTH", credentials[0], credentials[1], check_health=False)
