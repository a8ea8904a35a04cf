"""Re-authenticates open connections with a new token: each by whoever has it to himself at that moment.

An idle connection is taken out of its pool for the time: a blocking one under the pool's lock, one after the other. One in
use is renewed when it is released, and what goes wrong then closes the connection or leaves it as it was: the command whose
result is on its way knows nothing of it.
"""

import asyncio
import logging
import queue
import weakref

from .._entrakey import is_refusal
from . import _authentication, _connection
from ._quirks import owners

_log = logging.getLogger("entrakey.redis")

# How long to wait for the lock of a client with a single connection. After that the connection is tried again later.
_LOCK_PATIENCE_S = 0.2


def watch_release(source, link):
    """Puts the renewal in the place of redis-py's own, which raises into the command that releases."""
    me = weakref.ref(link)
    if link.loop is None:
        hook = _released
    else:
        hook = _released_async
    link.connection().re_auth = lambda: hook(source, me())


def _released(source, link):
    credentials = source._announced
    if link is not None and credentials is not None and link.lock is None and link.needs(credentials):
        _renew_taken_out(source, link, credentials)


async def _released_async(source, link):
    credentials = source._announced
    if link is not None and credentials is not None and link.lock is None and link.needs(credentials):
        await renew_async(source, link, credentials)


def authenticate(source, link, credentials):
    """By the one who has the connection. True unless the connection is lost."""
    try:
        _authentication.authenticate(link.connection(), credentials)
    except Exception as error:
        return _failed(source, link, credentials, error)
    link.accepted(credentials.version)
    return True


def _failed(source, link, credentials, error):
    if is_refusal(str(error)):
        link.refused(credentials.version, error)
        return True
    _log.info("a Redis connection was lost while it was re-authenticated, and connects anew when it is used: %r", error)
    return False


def renew(source, links, credentials):
    """Renews the idle ones of these blocking connections; those in use follow when they are released."""
    lost = set()  # pools with a connection that does not answer: their other connections are not waited for either
    drained = set()
    for link in links:
        if link.reader is not None or not link.needs(credentials):
            continue
        try:
            _renew_blocking(source, link, credentials, lost, drained)
        except Exception:  # with an untested version of redis-py one connection may fail; the others are still renewed
            _log.warning("a Redis connection could not be re-authenticated", exc_info=True)


def _renew_blocking(source, link, credentials, lost, drained):
    pool = link.pool()
    if link.lock is not None:
        _renew_single(source, link, credentials)
    elif owners.is_blocking(pool):
        if id(pool) not in drained:
            drained.add(id(pool))
            _renew_queue(source, pool, credentials)
    elif pool is not None:
        _renew_pooled(source, link, pool, credentials, lost)


def _renew_pooled(source, link, pool, credentials, lost):
    with pool._lock:
        connection = link.connection()
        idle = connection is not None and owners.position(pool._available_connections, connection) is not None
        if not idle or not link.needs(credentials):
            return
        if id(pool) in lost:
            connection.disconnect()
        elif not _renew_taken_out(source, link, credentials):
            lost.add(id(pool))


def _renew_taken_out(source, link, credentials):
    """With its pool's lock held, which keeps other threads away, but not greenlets if it was made before gevent patched
    locks (a preloaded application): those must not find the connection among the idle ones either."""
    connection, pool = link.connection(), link.pool()
    idle = getattr(pool, "_available_connections", ())
    index = owners.position(idle, connection)
    if index is None:
        return authenticate(source, link, credentials)
    in_use, entry = pool._in_use_connections, idle.pop(index)
    in_use.add(entry)
    try:
        return authenticate(source, link, credentials)
    finally:
        in_use.discard(entry)
        idle.insert(index, entry)


def _renew_queue(source, pool, credentials):
    """Takes everything out of the queue and puts it back in its order when all is done: those who come meanwhile
    wait, as they do for a connection in use. Were the empty places there first, they would connect."""
    taken = []
    try:
        while True:
            taken.append(pool.pool.get_nowait())
    except queue.Empty:
        pass
    try:
        _renew_all_of(source, taken, credentials)
    finally:
        while taken:
            pool.pool.put_nowait(taken.pop())


def _renew_all_of(source, connections, credentials):
    lost = False
    for connection in connections:
        link = _connection.link_of(connection) if connection is not None else None
        if link is None or not link.needs(credentials):
            continue
        if lost:
            connection.disconnect()
        else:
            lost = not authenticate(source, link, credentials)


def _renew_single(source, link, credentials):
    if link.lock.acquire(timeout=_LOCK_PATIENCE_S):
        try:
            if link.needs(credentials):
                authenticate(source, link, credentials)
        finally:
            link.lock.release()


async def renew_async(source, link, credentials):
    """Renews a connection that is idle, or that nobody else uses."""
    try:
        if link.reader is not None:
            await link.reader.send(credentials)
        elif link.lock is not None:
            async with link.lock:
                if link.needs(credentials):
                    await _authenticate_async(source, link, credentials)
        else:
            await _renew_pooled_async(source, link, credentials)
    except Exception as error:
        _failed(source, link, credentials, error)


async def _renew_pooled_async(source, link, credentials):
    """Under the pool's lock, so that others wait a moment rather than connect. If the lock is taken, perhaps by the
    task that releases here, the connection is only taken out: between two awaits no other task runs, so a connection
    that is not in the list is no other task's."""
    owner = link.pool()
    lock = getattr(owner, "_condition", getattr(owner, "_lock", None))
    if isinstance(lock, (asyncio.Lock, asyncio.Condition)) and not lock.locked():
        async with lock:
            await _take_and_renew(source, link, owner, credentials, owner._in_use_connections)
    elif owner is not None:
        await _take_and_renew(source, link, owner, credentials, set())


async def _take_and_renew(source, link, owner, credentials, in_use):
    """`in_use`: where it is meanwhile, so that a pool that is closed closes it too."""
    connection, idle = link.connection(), owners.idle_list(owner)
    index = owners.position(idle, connection)
    if connection is None or index is None:
        return
    if owners.is_cluster_node(owner) and len(idle) == 1 and len(owner._connections) >= owner.max_connections:
        # Its only connection must stay in the list, or a command would find none. The next command connects it anew.
        await connection.disconnect()
        return
    entry = idle[index]
    del idle[index]
    in_use.add(entry)
    try:
        await _authenticate_async(source, link, credentials)
    finally:
        in_use.discard(entry)
        owners.idle_list(owner).append(entry)


def release_to_node(source, idle, connection):
    """A connection comes back to a node of an asyncio cluster. True if it is renewed first and put back then."""
    link, credentials = _connection.link_of(connection), source._announced
    if link is None or credentials is None or not link.needs(credentials) or not idle.spares():
        return False
    source._start(_renew_and_put_back(source, link, idle, credentials))
    return True


async def _renew_and_put_back(source, link, idle, credentials):
    connection = link.connection()
    try:
        await _authenticate_async(source, link, credentials)
    except Exception as error:
        _failed(source, link, credentials, error)
    finally:
        idle.put_back(connection)


async def _authenticate_async(source, link, credentials):
    await _authentication.authenticate_async(link.connection(), credentials)
    link.accepted(credentials.version)
