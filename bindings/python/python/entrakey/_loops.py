"""On which event loop a host's async callback runs.

What an async credential opened on one loop (azure-identity's keep a session) is of no use on another, and what comes of
trying is anything but an error that says so. So a callback runs where its owner does: on the loop that ran when the
provider was made, or else on the first on which a token was awaited. A program that has neither has one of our own.
"""

import os
import sys
import threading


class Loops:
    """The loop of one callback, the same at each call. Calls come one at a time, on threads that change."""

    def __init__(self, callback):
        self._is_async = is_async(callback)  # None: unknown until the callback's first answer
        self._lives_on_one = hasattr(getattr(callback, "__self__", None), "__aexit__")
        self._process = os.getpid()
        self._hosts = None  # the host's loop and the id of that loop's thread
        self._own = None
        self.offer()

    def offer(self):
        """The loop that runs on this thread, if one does, is the host's."""
        self._forget_parents()
        loop = _running()
        if loop is None or loop is self._own or (self._own is not None and self._hosts is None):
            return
        if self._hosts is None or self._hosts[0].is_closed():
            self._hosts = loop, threading.get_ident()

    def refuse_to_block(self):
        self._forget_parents()
        if self._hosts is None or self._hosts[0] is not _running():
            return
        if self._is_async is None:
            self._hosts, self._own = None, _new_loop()  # there the answer is awaited, if it is an awaitable
            return
        from ._errors import CallbackFailed

        raise CallbackFailed(
            "The token comes from an async callback or credential on this thread's event loop, which would stand still while "
            "it waits: await provider.get_token_async() (or ready_async() before anything else), or call from another thread."
        )

    def run(self, awaitable, done, failed):
        """Calls done(result) or failed(error), now or later, on any thread."""
        self._forget_parents()
        self._is_async = True
        loop = self._hosts[0] if self._hosts is not None else None
        if loop is not None and loop.is_running():
            self._run_on_hosts(loop, awaitable, done, failed)
        elif loop is not None and self._lives_on_one:
            _close(awaitable)
            state = "has been closed" if loop.is_closed() else "does not run"
            raise RuntimeError(
                f"the event loop on which the provider's async credential lives {state}: make credential and provider on a "
                "loop that runs as long as they are used"
            )
        else:
            if self._own is None:
                self._own = _new_loop()
            done(self._own.run_until_complete(_awaited(awaitable)))

    def _run_on_hosts(self, loop, awaitable, done, failed):
        async def answer():
            try:
                done(await awaitable)
            except BaseException as error:
                failed(error)
                if not isinstance(error, Exception):
                    raise  # cancellation, KeyboardInterrupt and SystemExit are the loop's to see

        def start():
            task = loop.create_task(answer())
            _tasks.add(task)
            task.add_done_callback(_tasks.discard)

        try:
            loop.call_soon_threadsafe(start)
        except RuntimeError:  # the loop was closed after we had chosen it
            _close(awaitable)
            raise

    def _forget_parents(self):
        """In a forked child the parent's loop does not run, and shares its selector with the parent."""
        if self._process != os.getpid():
            self._process, self._hosts, self._own = os.getpid(), None, None

    def __del__(self):
        own = getattr(self, "_own", None)
        if own is not None and self._process == os.getpid() and not own.is_running():
            own.close()


# An event loop holds its tasks weakly: without this set a running task may be collected.
_tasks: set = set()


def is_async(callback):
    """Whether what it returns is to be awaited; None if only calling it can tell."""
    from inspect import iscoroutinefunction

    return iscoroutinefunction(callback) or iscoroutinefunction(getattr(callback, "__call__", None)) or None


def _running():
    """The loop that runs on this thread. A program without asyncio does not pay for its import."""
    asyncio = sys.modules.get("asyncio")
    try:
        return asyncio.get_running_loop() if asyncio is not None else None
    except RuntimeError:
        return None


def _new_loop():
    import asyncio

    return asyncio.new_event_loop()


async def _awaited(awaitable):
    return await awaitable


def _close(awaitable):
    """It will not be awaited, which is said in the error; no warning need say it again."""
    close = getattr(awaitable, "close", None)
    if close is not None:
        close()
