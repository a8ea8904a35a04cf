"""Callbacks of the host's own that want each new token, as redis-py's interface allows: on_next(callback)."""

import asyncio
import inspect
import os
import threading
import weakref

# Held while a listener is added, never while one is called. One lock serves all providers, since listeners are few.
_lock = threading.RLock()


def _renew_lock():
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    # In a forked child the lock may be held by a thread that does not exist there.
    os.register_at_fork(after_in_child=_renew_lock)


class Listener:
    """A callback, held weakly if it is a method."""

    __slots__ = ("callback", "awaits", "loop")

    def __init__(self, callback):
        self.callback = weakref.WeakMethod(callback) if inspect.ismethod(callback) else lambda: callback
        self.awaits = inspect.iscoroutinefunction(callback)
        self.loop = None  # the event loop on which a coroutine has to run


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
            listener.loop = running_loop() or listener.loop

    def alive(self):
        """A new list of the listeners that still exist."""
        if self._process != os.getpid():
            for listener in self._all:
                listener.loop = None  # the loop was the parent's and does not run in this child
            self._process = os.getpid()
        return [listener for listener in self._all if listener.callback() is not None]

    def connecting(self, loop):
        """A loop runs: coroutines that have none, or one that has ended, are at home here."""
        for listener in self.alive():
            if listener.awaits and (listener.loop is None or listener.loop.is_closed()):
                listener.loop = loop


def running_loop():
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
