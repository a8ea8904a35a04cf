"""Callbacks in programs whose threads are greenlets: gevent with monkey patching. (eventlet is refused.)

A thread of the library's must run no patched code there: the first lock that it touched would give it an event loop of
its own, which is freed while the thread still stands in it. So it only hands the call over: to the hub of the thread that
registered the callback, whose sockets and locks belong to it, or, where there is none, to a real thread that never ends.
"""

import os
import sys


def handed_over(callback):
    """`callback` as the library's threads may call it: in the hub of the thread that registered it."""
    home = _Home()

    def call(*args):
        deliver = home.deliver
        return callback(*args) if deliver is None else deliver(callback, args)

    return call


def answered_aside(callback):
    """The same for what must go on while the hub waits for it. Each has a real thread of its own: one that hangs holds up
    no other."""
    threads = []

    def call(*args):
        if not _gevent():
            return callback(*args)
        if not threads or threads[0].process != os.getpid():
            threads[:] = [_new_thread()]
        return threads[0].deliver(callback, args)

    return call


class _Home:
    """Where a callback was registered."""

    def __init__(self):
        self._process, self._hub = os.getpid(), None
        if _gevent():
            self._hub = sys.modules["gevent"].get_hub()

    @property
    def deliver(self):
        if not _gevent():
            return None
        hub = self._hub if self._process == os.getpid() else None
        if hub is None or hub.dead:
            return _thread().deliver
        return lambda callback, args: hub.loop.run_callback_threadsafe(_spawn, callback, args)


def _spawn(callback, args):
    sys.modules["gevent"].spawn(callback, *args)


def refuse_halves():
    """A thread of the library's crashes the process when it runs patched code: eventlet's hub cannot be reached from it, and
    where gevent left the threads alone, every lock of Python's holds up the hub."""
    if _asked("gevent.monkey", "is_module_patched", "socket") and not _gevent():
        raise RuntimeError(
            "gevent has replaced Python's sockets and not its threads, and entrakey renews tokens on a thread of its own, whose "
            "callbacks may use a socket: let gevent.monkey.patch_all() replace both, or replace neither."
        )
    if _asked("eventlet.patcher", "is_monkey_patched", "thread"):
        raise RuntimeError(
            "eventlet has replaced Python's threads, and entrakey renews tokens on a thread of its own: use gevent "
            "(gunicorn -k gevent), threads (gunicorn -k gthread), or eventlet.monkey_patch(thread=False)."
        )


def _gevent():
    return bool(_asked("gevent.monkey", "is_module_patched", "threading"))


def _asked(module, question, subject):
    module = sys.modules.get(module)
    return module is not None and getattr(module, question)(subject)


class _Thread:
    """A real thread for callbacks, which never ends; its event loop, if patched code gives it one, does not either."""

    def __init__(self, queue, start):
        self.process = os.getpid()
        self._calls = queue()
        start(self._run, ())

    def deliver(self, callback, args):
        self._calls.put((callback, args))

    def _run(self):
        while True:
            callback, args = self._calls.get()
            try:
                callback(*args)
            except BaseException:
                import logging

                logging.getLogger("entrakey").warning("a callback failed", exc_info=True)
            callback = args = None


_running = None


def _thread():
    global _running
    if _running is None or _running.process != os.getpid():
        _running = _new_thread()
    return _running


def _new_thread():
    return _Thread(_original("_queue", "SimpleQueue"), _original("_thread", "start_new_thread"))


def _original(module, name):
    """What it was before it was patched."""
    return sys.modules["gevent.monkey"].get_original(module, name)
