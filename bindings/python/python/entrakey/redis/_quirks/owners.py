"""Whose a connection is: a pool, or a cluster node."""

import queue

from .packages import is_of_a_client

# How many callers are searched for the pool. In every version of redis-py it is nearer to the connection than this.
_FRAMES = 40


def owner_of(connection, frame):
    """The pool or cluster node on whose behalf the connection connects, seen from a method of the connection."""
    pool = getattr(connection, "connection_pool", None)  # only Sentinel's connections know their pool
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
