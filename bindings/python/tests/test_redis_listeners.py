"""Who is told of a new token, where and how often: threads, forks and event loops, without a server."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time

import pytest

import entrakey
from entrakey.redis import CredentialProvider

SECRET = "secret-that-must-not-be-shown"


def publish(credentials):
    """What the library's thread does when a token is replaced."""
    thread = threading.Thread(target=credentials._notify, args=(credentials._provider.get_token(),))
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


class AsyncClient:
    """Whoever registers a coroutine method."""

    def __init__(self):
        self.told = []

    async def re_auth(self, token):
        self.told.append((asyncio.get_running_loop(), token.get_value()))


@contextlib.contextmanager
def running_loop():
    """A loop that runs on a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def run_on(loop, coroutine):
    return asyncio.run_coroutine_threadsafe(coroutine, loop).result(10)


async def nothing():
    """Run on a loop, it ends after what was scheduled there before it has begun."""


async def call(function, *arguments):
    function(*arguments)


@pytest.fixture
def credentials():
    supplied = SECRET, time.time() + 3600
    with entrakey.Provider(token_callback=lambda _: supplied, username="oid") as provider:
        yield CredentialProvider(provider)


@pytest.fixture
def hasty_threads():
    """The interpreter switches threads as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_no_client_is_lost_when_threads_register_at_once(credentials, hasty_threads):
    told = []
    callbacks = [lambda token, n=n: told.append(n) for n in range(400)]
    barrier = threading.Barrier(8)

    def register(share):
        barrier.wait()
        for callback in share:
            credentials.on_next(callback)

    threads = [threading.Thread(target=register, args=(callbacks[n::8],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    publish(credentials)
    assert sorted(told) == list(range(400))


def test_a_client_that_registers_twice_is_told_once(credentials):
    told = []
    credentials.on_next(told.append)
    credentials.on_next(told.append)
    publish(credentials)
    assert [(token.try_get("oid"), token.get_value()) for token in told] == [("oid", SECRET)]


def test_a_callback_may_wait_for_another_thread_that_registers(credentials):
    registered = []

    def slow(token):
        thread = threading.Thread(target=lambda: registered.append(credentials.on_next(print)))
        thread.start()
        thread.join(5)

    credentials.on_next(slow)
    publish(credentials)
    assert len(registered) == 1


def test_a_child_can_register_whatever_other_threads_did_at_the_fork(credentials, hasty_threads):
    callbacks = [lambda token, n=n: None for n in range(100)]
    stop = threading.Event()

    def register():
        while not stop.is_set():
            for callback in callbacks:
                credentials.on_next(callback)

    thread = threading.Thread(target=register)
    thread.start()
    try:
        for _ in range(30):
            child = os.fork()
            if child == 0:
                signal.alarm(5)  # ends a child that hangs
                credentials.on_next(print)
                os._exit(7)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    finally:
        stop.set()
        thread.join()


def test_each_asyncio_client_is_told_on_its_own_loop(credentials):
    first, second = AsyncClient(), AsyncClient()
    with running_loop() as one, running_loop() as two:
        run_on(one, call(credentials.on_next, first.re_auth))
        run_on(two, call(credentials.on_next, second.re_auth))
        for loop in (two, one, two):
            run_on(loop, credentials.get_credentials_async())
        publish(credentials)
        run_on(one, nothing()), run_on(two, nothing())
        assert first.told == [(one, SECRET)] and second.told == [(two, SECRET)]


def test_a_client_made_before_its_loop_is_told_where_it_connects(credentials):
    client = AsyncClient()
    credentials.on_next(client.re_auth)
    publish(credentials)  # it has no connection yet
    with running_loop() as loop:
        run_on(loop, credentials.get_credentials_async())
        publish(credentials)
        run_on(loop, nothing())
        assert client.told == [(loop, SECRET)]


def test_what_a_client_raises_is_logged_without_the_secret_and_harms_no_other(credentials, caplog):
    told = []

    class Broken:
        async def re_auth(self, token):
            raise ConnectionError("on its loop")

        def re_auth_now(self, token):
            raise ConnectionError("at once")

    broken = Broken()
    with running_loop() as loop:
        run_on(loop, call(credentials.on_next, broken.re_auth))
        credentials.on_next(broken.re_auth_now)
        credentials.on_next(told.append)
        publish(credentials)
        run_on(loop, nothing()), run_on(loop, nothing())
    assert len(told) == 1
    assert sorted(str(record.exc_info[1]) for record in caplog.records) == ["at once", "on its loop"]
    assert SECRET not in caplog.text


def test_a_loop_that_ended_harms_no_other_client(credentials):
    gone, here = AsyncClient(), AsyncClient()
    asyncio.run(call(credentials.on_next, gone.re_auth))
    with running_loop() as loop:
        run_on(loop, call(credentials.on_next, here.re_auth))
        publish(credentials), publish(credentials)
        run_on(loop, nothing())
        assert [told for told, _ in here.told] == [loop, loop] and gone.told == []
        run_on(loop, call(credentials.on_next, gone.re_auth))  # used again, here
        publish(credentials)
        run_on(loop, nothing())
        assert gone.told == [(loop, SECRET)]


def test_a_forked_child_leaves_its_parents_loops_alone(credentials):
    client = AsyncClient()
    with running_loop() as loop:
        run_on(loop, call(credentials.on_next, client.re_auth))
        before = credentials._subscription
        child = os.fork()
        if child == 0:
            scheduled = []
            loop.call_soon_threadsafe = lambda *call: scheduled.append(call)
            credentials.on_next(print)
            publish(credentials)
            os._exit(7 if not scheduled and credentials._subscription is not before else 3)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
