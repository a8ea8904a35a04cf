"""Who is told of a new token, where and how often: threads, forks and event loops, without a server."""

import asyncio
import collections
import contextlib
import logging
import os
import signal
import sys
import threading

import pytest

from entrakey.redis import CredentialProvider

Token = collections.namedtuple("Token", "username secret")
TOKEN = Token("oid", "secret")


class Source:
    """Stands in for a provider; publish() does what the library's thread does when a token is replaced."""

    def __init__(self):
        self.newest = TOKEN
        self.subscriptions = []

    def subscribe(self, callback):
        self.subscriptions.append(callback)
        return callback

    def current(self):
        return self.newest

    async def get_token_async(self, timeout, *, wait):
        return self.newest

    def publish(self, token=TOKEN):
        self.newest = token
        thread = threading.Thread(target=self.subscriptions[-1], args=(token,))
        thread.start()
        thread.join(10)
        assert not thread.is_alive()


class AsyncClient:
    """What redis-py registers for an asyncio client: a coroutine method."""

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
def source():
    return Source()


@pytest.fixture
def credentials(source):
    return CredentialProvider(source)


@pytest.fixture
def hasty_threads():
    """The interpreter switches threads as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_no_client_is_lost_when_threads_register_at_once(source, credentials, hasty_threads):
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
    source.publish()
    assert sorted(told) == list(range(400))


def test_a_client_that_registers_twice_is_told_once(source, credentials):
    told = []
    credentials.on_next(told.append)
    credentials.on_next(told.append)
    source.publish()
    assert [(token.try_get("oid"), token.get_value()) for token in told] == [TOKEN]


def test_a_callback_may_wait_for_another_thread_that_registers(source, credentials):
    registered = []

    def slow(token):
        thread = threading.Thread(target=lambda: registered.append(credentials.on_next(print)))
        thread.start()
        thread.join(5)

    credentials.on_next(slow)
    source.publish()
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


def test_each_asyncio_client_is_told_on_its_own_loop(source, credentials):
    first, second = AsyncClient(), AsyncClient()
    with running_loop() as one, running_loop() as two:
        run_on(one, call(credentials.on_next, first.re_auth))
        run_on(two, call(credentials.on_next, second.re_auth))
        for loop in (two, one, two):
            run_on(loop, credentials.get_credentials_async())
        source.publish()
        run_on(one, nothing()), run_on(two, nothing())
        assert first.told == [(one, "secret")] and second.told == [(two, "secret")]


def test_a_client_made_before_its_loop_is_told_where_it_connects(source, credentials):
    client = AsyncClient()
    credentials.on_next(client.re_auth)
    source.publish()  # it has no connection yet
    with running_loop() as loop:
        run_on(loop, credentials.get_credentials_async())
        source.publish()
        run_on(loop, nothing())
        assert client.told == [(loop, "secret")]


def test_a_loop_that_ended_is_logged_once_and_harms_no_other_client(source, credentials, caplog):
    caplog.set_level(logging.WARNING)
    gone, here = AsyncClient(), AsyncClient()
    asyncio.run(call(credentials.on_next, gone.re_auth))
    with running_loop() as loop:
        run_on(loop, call(credentials.on_next, here.re_auth))
        source.publish(), source.publish()
        run_on(loop, nothing())
        assert [told for told, _ in here.told] == [loop, loop] and gone.told == []
        (record,) = caplog.records
        assert (record.name, record.levelname) == ("entrakey.redis", "WARNING")
        assert "event loop" in record.message and "secret" not in record.message
        run_on(loop, call(credentials.on_next, gone.re_auth))  # used again, here
        source.publish()
        run_on(loop, nothing())
        assert gone.told == [(loop, "secret")]
    assert len(caplog.records) == 1


def test_a_loop_that_stood_still_uses_the_newest_token_when_it_goes_on(source, credentials):
    client = AsyncClient()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(call(credentials.on_next, client.re_auth))
    source.publish(Token("oid", "old"))
    source.publish(Token("oid", "new"))
    loop.run_until_complete(asyncio.sleep(0))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    assert client.told == [(loop, "new"), (loop, "new")]


def test_what_a_client_raises_is_logged_without_the_secret_and_harms_no_other(source, credentials, caplog):
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
        source.publish()
        run_on(loop, nothing()), run_on(loop, nothing())
    assert len(told) == 1
    assert sorted(str(record.exc_info[1]) for record in caplog.records) == ["at once", "on its loop"]
    assert "secret" not in caplog.text


def test_a_forked_child_leaves_its_parents_loops_alone(source, credentials):
    client = AsyncClient()
    with running_loop() as loop:
        run_on(loop, call(credentials.on_next, client.re_auth))
        child = os.fork()
        if child == 0:
            scheduled = []
            loop.call_soon_threadsafe = lambda *call: scheduled.append(call)
            credentials.on_next(print)
            source.publish()
            os._exit(7 if not scheduled and len(source.subscriptions) == 2 else 3)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
