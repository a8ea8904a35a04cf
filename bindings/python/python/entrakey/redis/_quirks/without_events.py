"""What redis-py says by events, for a client package that has none (valkey-py): that a connection is released, that a client
has one to himself, that it is a PubSub's. Learned from the methods by which these things are done, on the objects that do
them. And its asyncio connections ask for credentials as blocking ones do.
"""

import asyncio
import threading
import weakref

from .. import _pubsub
from . import owners

_LOOP = "_entrakey_loop"


def has_none(connection):
    return not hasattr(type(connection), "re_auth")


def await_token(connection, credentials):
    """A token that is not in memory is awaited first, and is there when the connection asks."""
    if not hasattr(connection, "_writer"):
        return
    kind, me = type(connection), weakref.ref(connection)

    async def on_connect():
        await credentials.get_credentials_async()
        await kind.on_connect(me())

    connection.on_connect = on_connect


def learn(source, link, frame):
    """A connection connects, in this frame of it."""
    _learn_of_subscriptions(source, link)
    pool = link.pool()
    if pool is not None and not owners.is_cluster_node(pool):
        pool = pool.disconnect.__self__  # Sentinel's connections know their pool by a weak proxy only
        learn_of_release(pool, link.loop is not None)
        if link.loop is not None:
            _make_lock(pool, link.loop)
    if link.lock is None:
        link.lock = _lock_of(_client_that_keeps_it(frame))


def learn_of_release(pool, is_async):
    if "release" in vars(pool):
        return
    kind, me = type(pool), weakref.ref(pool)

    def release(connection):
        try:
            _re_auth(connection)()
        finally:
            kind.release(me(), connection)

    async def release_async(connection):
        await kind.release(me(), connection)
        await _re_auth(connection)()

    pool.release = release_async if is_async else release


def _re_auth(connection):
    """What a pool of redis-py's calls."""
    return getattr(connection, "re_auth", _nothing if hasattr(connection, "_sock") else _nothing_async)


def _nothing():
    pass


async def _nothing_async():
    pass


def _make_lock(pool, loop):
    """Who wants a connection waits while an idle one is re-authenticated, rather than open another."""
    if getattr(pool, _LOOP, None) is loop or hasattr(pool, "_condition"):
        return
    setattr(pool, _LOOP, loop)
    pool._lock = asyncio.Lock()
    kind, me = type(pool), weakref.ref(pool)

    async def get_connection(*args, **options):
        async with me()._lock:
            pass
        return await kind.get_connection(me(), *args, **options)

    pool.get_connection = get_connection


def _client_that_keeps_it(frame):
    """The client that takes its one connection just now."""
    for caller in owners.callers(frame):
        client, method = caller.f_locals.get("self"), caller.f_code.co_name
        if method == "__init__" and caller.f_locals.get("single_connection_client"):
            return client
        if method == "initialize" and getattr(client, "single_connection_client", False):
            return client
    return None


def _lock_of(client):
    """The lock that whoever uses its one connection holds: an asyncio client has one, a blocking one is given it."""
    if client is None or hasattr(client, "_single_conn_lock"):
        return getattr(client, "_single_conn_lock", None)
    lock, kind, me = threading.RLock(), type(client), weakref.ref(client)

    def send_and_receive(*args, **options):
        with lock:
            return kind._send_command_parse_response(me(), *args, **options)

    client._send_command_parse_response = send_and_receive
    return lock


def _learn_of_subscriptions(source, link):
    """A PubSub wants to know when its connection has connected anew; nobody else does."""
    kind, me = type(link.connection()), link.connection

    def register_connect_callback(callback):
        connection = me()
        kind.register_connect_callback(connection, callback)
        if str(connection.protocol) == "3" and link.reader is None:
            (_Reader if link.loop is None else _pubsub.AsyncReader)(source, link, threading.RLock()).install()

    link.connection().register_connect_callback = register_connect_callback


class _Reader(_pubsub.Reader):
    """A thread that subscribes holds no lock while it writes, unless the connection takes one."""

    covers = [*_pubsub.Reader.covers, "send_packed_command"]

    def install(self):
        super().install()
        kind, me = type(self.link.connection()), self.link.connection

        def send_packed_command(*args, **options):
            with self.lock:
                return kind.send_packed_command(me(), *args, **options)

        me().send_packed_command = send_packed_command
