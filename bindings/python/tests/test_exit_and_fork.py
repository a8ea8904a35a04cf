"""Processes that fork and processes that end."""

import concurrent.futures
import textwrap
import time

import pytest


def test_a_forked_child_starts_from_its_parents_token_and_refreshes_by_itself(start_emulator, run):
    emulator = start_emulator("4s")
    outcome = run(
        """
        import os, time, entrakey
        provider = entrakey.Provider.managed_identity()
        first = provider.get_token()
        child = os.fork()
        if child == 0:
            assert provider.get_token().secret == first.secret
            end = time.time() + 6
            while (asked := time.time()) < end:
                assert provider.get_token().expires_on > asked
                time.sleep(0.01)
            os._exit(0 if provider.version > 1 else 3)
        _, status = os.waitpid(child, 0)
        assert status == 0, status
        asked = time.time()
        assert provider.get_token().expires_on > asked
        """
    )
    assert outcome.returncode == 0, outcome.stderr
    assert emulator.token_requests() >= 4


def test_a_forked_childs_exit_does_not_wait_for_its_parents_callbacks(start_emulator, run):
    start_emulator("6s")
    outcome = run(
        """
        import os, sys, threading, time, entrakey
        provider = entrakey.Provider.managed_identity()
        inside, leave = threading.Event(), threading.Event()
        subscription = provider.subscribe(lambda token: (inside.set(), leave.wait(20)))
        provider.get_token()
        assert inside.wait(20)
        def end_a_child(by):
            start = time.monotonic()
            child = os.fork()
            if child == 0:
                by(7)
            _, status = os.waitpid(child, 0)
            assert os.waitstatus_to_exitcode(status) == 7, status
            return time.monotonic() - start
        took = []
        while not took or min(took) >= 0.9 and len(took) < 10:  # each of them, if it waits for the parent's callback
            took.append(end_a_child(sys.exit))
        leave.set()
        assert min(took) < 0.9, took
        """
    )
    assert outcome.returncode == 0, outcome.stderr


def test_a_child_forked_inside_a_callback_ends_at_once(start_emulator, run):
    start_emulator("6s")
    outcome = run(
        """
        import os, sys, threading, time, entrakey
        provider = entrakey.Provider.managed_identity()
        ended, took = threading.Event(), []
        def end_a_child(first):
            start = time.monotonic()
            child = os.fork()
            if child == 0:
                first()
                os._exit(7)
            _, status = os.waitpid(child, 0)
            assert os.waitstatus_to_exitcode(status) == 7, status
            return time.monotonic() - start
        def fork(token):
            import atexit
            # The thread that forked is the only one there, and the interpreter's main thread now. It
            # counts as inside until it returns to native code, which it never does.
            while not took or min(took) >= 0.9 and len(took) < 10:
                took.append(end_a_child(atexit._run_exitfuncs))
            ended.set()
        subscription = provider.subscribe(fork)
        provider.get_token()
        assert ended.wait(25)
        assert min(took) < 0.9, took  # it would wait a second for itself, each time
        """
    )
    assert outcome.returncode == 0, outcome.stderr


def ends_at_once(run, program, *arguments):
    """Runs a program whose last act is to print the time: it must end soon after, with no error or crash.

    The interpreter's end takes a second more, GIL released, in which threads may want to call Python.
    """
    slow_end = """
import time, sys
class SlowEnd:
    def __del__(self, sleep=time.sleep):
        sleep(1)
sys.slow_end = SlowEnd()
"""
    outcome = run(slow_end + program + "print(time.time())\n", *arguments)
    assert outcome.returncode == 0 and not outcome.stderr, outcome
    took = time.time() - float(outcome.stdout)
    assert 1 <= took < 5, took  # who waited for a close would take that long


CALLBACKS_IN_FLIGHT = """
import logging, threading, entrakey
logging.getLogger("entrakey").addHandler(logging.NullHandler())  # that a callback is late is no concern here
provider = entrakey.Provider.managed_identity()
inside = threading.Event()
slow = lambda token: (inside.set(), time.sleep(0.2))
subscriptions = [provider.subscribe(slow) for _ in range(20)]
provider.get_token()
assert inside.wait(20)
"""


def test_a_process_ends_without_close_and_with_callbacks_in_flight(start_emulator, run):
    start_emulator("6s")
    ends_at_once(run, CALLBACKS_IN_FLIGHT)


OUTLASTING_CALLBACK = """
import logging, threading, entrakey
logging.getLogger("entrakey").addHandler(logging.NullHandler())  # that a callback is late is no concern here
inside = threading.Event()
def slow(*_):
    inside.set()
    time.sleep(1.5)  # the end of the interpreter waits a second for it
    return "opaque", time.time() + 3600
"""
THE_SOURCE_OF_TOKENS = """
provider = entrakey.Provider.custom(slow, username="me")
try:
    provider.get_token(timeout=0)
except entrakey.Timeout:
    pass
assert inside.wait(20)
"""
A_LISTENER = """
tokens = iter(range(100))
provider = entrakey.Provider.custom(lambda: (f"opaque{next(tokens)}", time.time() + 5), username="me")
subscription = provider.subscribe(slow)
provider.get_token()
assert inside.wait(20)
"""


@pytest.mark.parametrize("what", [THE_SOURCE_OF_TOKENS, A_LISTENER], ids=["source of tokens", "listener"])
def test_a_callback_that_takes_longer_than_the_end_waits_for_it_does_not_abort_the_process(run, what):
    ends_at_once(run, OUTLASTING_CALLBACK + what)


def test_no_process_of_fifty_aborts_at_its_end(start_emulator, run):
    """Callbacks are in flight, and an object's slow end gives them time to come back into a dying interpreter."""
    start_emulator("4s")
    slow_end = """
        import time, sys
        class SlowEnd:
            def __del__(self, sleep=time.sleep):
                sleep(0.3)
        sys.slow_end = SlowEnd()
        """
    program = textwrap.dedent(slow_end) + CALLBACKS_IN_FLIGHT
    with concurrent.futures.ThreadPoolExecutor(10) as several:
        outcomes = list(several.map(lambda _: run(program, timeout=60), range(50)))
    assert [outcome for outcome in outcomes if outcome.returncode != 0 or outcome.stderr] == []


def test_preloaded_and_late_workers_start_with_no_request_of_their_own_where_the_parent_has_a_token(emulator, run):
    """gunicorn --preload and Celery fork after the provider was made; without, each worker makes its own."""
    program = """
        import os, sys, entrakey
        provider = entrakey.Provider.managed_identity()
        if sys.argv[1] == "with a token":
            provider.get_token()
        children = []
        for _ in range(8):
            child = os.fork()
            if child == 0:
                os._exit(0 if provider.get_token().expires_on else 3)
            children.append(child)
        assert [os.waitpid(child, 0)[1] for child in children] == [0] * 8
        """
    assert run(program, "with a token").returncode == 0
    assert emulator.token_requests() == 1
    assert run(program, "without").returncode == 0
    assert emulator.token_requests() == 1 + 8


def test_no_callback_begins_once_the_process_is_ending(start_emulator, run):
    start_emulator("6s")
    outcome = run(
        """
        import atexit, threading, time
        def hook():  # registered before entrakey's own, so it runs after that
            before = len(begun)
            time.sleep(1)
            print(len(begun) - before, "more of 20")
        atexit.register(hook)
        import entrakey
        provider = entrakey.Provider.managed_identity()
        begun, first = [], threading.Event()
        slow = lambda token: (begun.append(token), first.set(), time.sleep(0.3))
        subscriptions = [provider.subscribe(slow) for _ in range(20)]
        provider.get_token()
        assert first.wait(20)
        """
    )
    assert outcome.stdout == "0 more of 20\n", outcome


def test_a_process_ends_while_tokens_are_awaited(run, silent):
    program = """
import asyncio, entrakey
provider = entrakey.Provider.managed_identity(imds_endpoint=sys.argv[1])
loop = asyncio.new_event_loop()
waits = [loop.create_task(provider.get_token_async(timeout=0.2 + n / 100)) for n in range(200)]
loop.run_until_complete(asyncio.sleep(0.1))
for wait in waits:
    wait.cancel()
loop.run_until_complete(asyncio.gather(*waits, return_exceptions=True))
loop.close()
"""
    ends_at_once(run, program, silent)


def test_a_process_ends_while_a_daemon_thread_waits(run, silent):
    program = """
import contextlib, threading, entrakey
provider = entrakey.Provider.managed_identity(imds_endpoint=sys.argv[1])
def wait(seconds):
    with contextlib.suppress(entrakey.Timeout):
        provider.get_token(seconds)
for n in range(20):
    threading.Thread(target=wait, args=(0.5 + n / 50,), daemon=True).start()
time.sleep(0.2)
"""
    ends_at_once(run, program, silent)


def test_an_exit_hook_may_still_await_a_token(run, silent):
    outcome = run(
        """
        import atexit, asyncio, sys
        def hook():  # registered before entrakey's own, so it runs after that
            try:
                asyncio.run(provider.get_token_async(timeout=0.3))
            except entrakey.Timeout:
                print("timed out")
        atexit.register(hook)
        import entrakey
        provider = entrakey.Provider.managed_identity(imds_endpoint=sys.argv[1])
        """,
        silent,
        timeout=10,
    )
    assert outcome.stdout == "timed out\n", outcome


def test_importing_entrakey_imports_nothing_that_only_some_programs_need(run):
    unwanted = ("redis", "asyncio", "ssl", "entrakey._host", "entrakey._request")
    outcome = run(f"import sys, entrakey; print([m for m in {unwanted} if m in sys.modules])")
    assert outcome.stdout.strip() == "[]", outcome.stderr
