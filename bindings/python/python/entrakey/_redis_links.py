"""The connections that use a provider: which token each is on, and whose they are."""

import os
import queue
import weakref

from ._redis_auth import is_open
from ._redis_packages import is_of_a_client

# From a connection's own method to its pool's there are fewer calls than this in every version of redis-py.
_FRAMES = 40
_ATTRIBUTE = "_entrakey"
_OWNER = "_entrakey_owner"


class Link:
    """What is known of one connection."""

    __slots__ = ("connection", "process", "_owner", "loop", "version", "refused", "lock", "reader", "__weakref__")

    def __init__(self, connection, loop):
        self.connection = weakref.ref(connection)
        self.process = os.getpid()  # that it was opened in: a forked child leaves its parent's alone
        self._owner = None  # a weak reference to its pool, if that is known
        self.loop = loop  # the event loop that it lives on; None for a blocking connection
        self.version = 0  # of the token that it was authenticated with
        self.refused = 0  # the version that the server did not take
        self.lock = None  # of a client with a single connection: whoever holds it has the connection to himself
        self.reader = None  # of a subscribed connection: authenticates among the messages

    def needs(self, credentials):
        """Whether it is open, this process's, and on an older token than these."""
        connection = self.connection()
        return (
            connection is not None
            and link_of(connection) is self  # not another provider's by now
            and max(self.version, self.refused) < credentials.version
            and self.process == os.getpid()
            and is_open(connection)
        )

    def belongs_to(self, owner):
        """A pool or a cluster node."""
        try:
            self._owner = weakref.ref(owner)
        except TypeError:  # redis.asyncio.cluster.ClusterNode has only slots: kept by its connection, as long as that
            setattr(self.connection(), _OWNER, owner)

    def pool(self):
        """Whose it is, if that is known."""
        if self._owner is not None:
            return self._owner()
        return getattr(self.connection(), _OWNER, None)


def link_of(connection):
    return connection.__dict__.get(_ATTRIBUTE)


def keep(connection, link):
    setattr(connection, _ATTRIBUTE, link)


def owner_of(connection, frame):
    """The pool or cluster node on whose behalf the connection connects, seen from a method of the connection."""
    pool = getattr(connection, "connection_pool", None)  # Sentinel's connections know theirs
    if is_owner(pool):
        return pool
    for frame in callers(frame):
        caller = frame.f_locals.get("self")
        for candidate in (caller, getattr(caller, "connection_pool", None)):
            if candidate is not connection and is_owner(candidate):
                return candidate
    return None


def callers(frame):
    """The frames of the client package that have led to this one, the nearest first."""
    for _ in range(_FRAMES):
        frame = frame.f_back
        if frame is None:
            return
        if is_of_a_client(frame.f_globals.get("__name__", "")):
            yield frame


def is_owner(candidate):
    return (
        isinstance(getattr(candidate, "_available_connections", None), list)
        or is_blocking(candidate)
        or is_cluster_node(candidate)
    )


def is_blocking(owner):
    """redis.BlockingConnectionPool, whose idle connections wait in a queue."""
    return isinstance(getattr(owner, "pool", None), queue.Queue)


def is_cluster_node(owner):
    """redis.asyncio.cluster.ClusterNode, which keeps its connections itself."""
    return hasattr(owner, "_free") and hasattr(owner, "_connections")


def idle_list(owner):
    """The list of idle connections of an asyncio pool or cluster node, or of a pool that is locked."""
    return owner._free if is_cluster_node(owner) else owner._available_connections


def position(idle, connection):
    """Where a connection, or the caching proxy of it, is among the idle ones; None if it is in use."""
    for index, candidate in enumerate(idle):
        if candidate is connection or getattr(candidate, "_conn", None) is connection:
            return index
    return None
