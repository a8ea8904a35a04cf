"""Who is told of a new token: redis-py's callbacks, each with the event loop its connections live on."""

import asyncio
import inspect
import os
import threading
import weakref

# Held while listeners are added, never while one is called. One for all is enough: clients are few.
_lock = threading.RLock()


def _renew_lock():
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    # In a forked child the lock may be held by a thread that does not exist there.
    os.register_at_fork(after_in_child=_renew_lock)


class Listener:
    """A callback, held weakly if it is a client's method."""

    __slots__ = ("callback", "awaits", "loop", "mourned")

    def __init__(self, callback):
        self.callback = weakref.WeakMethod(callback) if inspect.ismethod(callback) else lambda: callback
        self.awaits = inspect.iscoroutinefunction(callback)
        self.loop = None  # where a coroutine has to run
        self.mourned = None  # the loop whose end was logged


class Listeners:
    """The listeners of one credential provider."""

    def __init__(self):
        self._all = []
        self._process = os.getpid()

    def add(self, callback):
        """Adds a callback that is not there yet; one that is moves to the loop that runs here, if one does."""
        with _lock:
            alive = self.alive()
            listener = next((known for known in alive if known.callback() == callback), None)
            if listener is None:
                listener = Listener(callback)
                alive.append(listener)
            self._all = alive
        if listener.awaits:
            listener.loop = _running_loop() or listener.loop

    def alive(self):
        """A new list of the listeners whose clients still exist."""
        if self._process != os.getpid():
            for listener in self._all:
                listener.loop = None  # the parent's, which does not run in this child
            self._process = os.getpid()
        return [listener for listener in self._all if listener.callback() is not None]

    def connecting(self, loop):
        """A client opens a connection on this loop, and does not say which client. Those it may be move here.

        They may have been made before any loop ran, or been used on another loop before.
        """
        for listener in self.alive():
            if not listener.awaits or listener.loop is loop:
                continue
            loops = _loops_of(listener.callback())
            homeless = listener.loop is None or listener.loop.is_closed()
            if loop in loops or (homeless and None in loops):
                listener.loop = loop


def _running_loop():
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _loops_of(callback):
    """The loops on which the pools behind a redis-py callback use connections; None for one that is unknown."""
    event = getattr(getattr(callback, "__self__", None), "_event", None)
    pools = getattr(event, "connection_pools", None)
    if pools is None:
        return {None}  # not a pool's
    loops = set()
    for pool in pools:
        for connection in tuple(getattr(pool, "_in_use_connections", (None,))):
            loops.add(getattr(getattr(connection, "_reader", None), "_loop", None))
    return loops
