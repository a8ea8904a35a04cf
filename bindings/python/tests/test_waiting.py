"""What waits for a token: deadlines, signals, event loops."""

import asyncio
import os
import signal
import socket
import sys
import threading
import time

import pytest

import entrakey


@pytest.fixture
def waiting(silent):
    """A provider whose source never answers."""
    with entrakey.Provider.managed_identity(imds_endpoint=silent) as provider:
        yield provider


@pytest.fixture
def alarms():
    """The times at which a Python signal handler ran; the signal comes every 20 ms."""
    seen = []
    before = signal.signal(signal.SIGALRM, lambda *_: seen.append(time.monotonic()))
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    yield seen
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_ctrl_c_ends_a_wait():
    """It comes when the request is there: whoever asks for the token is inside by then."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def interrupt():
            connection, _ = server.accept()
            with connection:
                connection.recv(1)
                os.kill(os.getpid(), signal.SIGINT)

        interrupting = threading.Thread(target=interrupt)
        interrupting.start()
        with entrakey.Provider.managed_identity(imds_endpoint=f"http://127.0.0.1:{server.getsockname()[1]}") as provider:
            start = time.monotonic()
            with pytest.raises(KeyboardInterrupt):
                provider.get_token(timeout=60)
            assert time.monotonic() - start < 10
        interrupting.join()


@pytest.mark.parametrize("seconds", [0, 0.25, 0.7])
def test_signals_change_neither_the_deadline_nor_the_error(waiting, alarms, seconds):
    start = time.monotonic()
    with pytest.raises(entrakey.Timeout, match="not answered yet"):
        waiting.get_token(timeout=seconds)
    end = time.monotonic()
    assert seconds <= end - start < seconds + 5
    assert len([seen for seen in alarms if start < seen < end]) >= int(seconds / 0.2)


def test_an_answer_is_not_kept_back_until_the_next_look_for_signals(emulator):
    took = []
    while not took or min(took) >= 0.09 and len(took) < 50:  # kept back, each of them takes a tenth of a second
        with entrakey.Provider.managed_identity() as provider:
            start = time.monotonic()
            provider.get_token()
            took.append(time.monotonic() - start)
    assert min(took) < 0.09, took


def test_any_thread_may_wait(waiting):
    outcomes = []

    def wait():
        try:
            waiting.get_token(timeout=0.5)
        except entrakey.Timeout:
            outcomes.append(time.monotonic())

    start = time.monotonic()
    threads = [threading.Thread(target=wait) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 20 and max(outcomes) - start < 8, "one after the other they take ten seconds"


def test_a_child_forked_by_a_signal_handler_waits_for_itself(run, silent):
    outcome = run(
        """
        import os, signal, sys, time, entrakey
        provider = entrakey.Provider.managed_identity(imds_endpoint=sys.argv[1])
        child = None
        def fork(*_):
            global child
            child = os.fork()
        signal.signal(signal.SIGALRM, fork)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        start = time.monotonic()
        try:
            provider.get_token(timeout=1)
        except entrakey.Timeout:
            assert time.monotonic() - start < 10
        else:
            raise SystemExit("a token from nowhere")
        if child == 0:
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        """,
        silent,
    )
    assert outcome.returncode == 0, outcome.stderr


def test_awaiting_coroutines_share_one_request(emulator):
    async def main():
        async with entrakey.Provider.managed_identity() as provider:
            tokens = await asyncio.gather(*(provider.get_token_async() for _ in range(20)))
            assert {token.version for token in tokens} == {1}
            # The sync call on the loop's own thread is answered from memory.
            assert provider.get_token().secret == tokens[0].secret

    asyncio.run(main())
    assert emulator.token_requests() == 1


def test_awaiting_coroutines_take_no_thread_and_do_not_block_the_loop(waiting):
    async def main():
        loop = asyncio.get_running_loop()
        start, threads = loop.time(), threading.active_count()
        waits = [asyncio.ensure_future(waiting.get_token_async(timeout=5)) for _ in range(200)]
        longest = 0.0
        while loop.time() < start + 0.5:
            before = loop.time()
            await asyncio.sleep(0.01)
            longest = max(longest, loop.time() - before)
        assert longest < 4  # the call's own deadline is 5 s
        assert threading.active_count() == threads
        await loop.run_in_executor(None, int)
        assert loop.time() < start + 4, "the executor, which resolves names too, was full"
        outcomes = await asyncio.gather(*waits, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {entrakey.Timeout}
        assert 5 <= loop.time() - start < 15

    asyncio.run(main())


def test_a_task_of_another_framework_is_told_what_to_call(emulator):
    with entrakey.Provider.managed_identity() as provider:
        asked = provider.get_token_async()
        with pytest.raises(RuntimeError, match=r"trio\.to_thread\.run_sync\(provider\.get_token\)"):
            asked.send(None)  # as any framework begins a task
        provider.get_token()
        with pytest.raises(StopIteration):
            provider.get_token_async().send(None)  # it is there: nothing is awaited


def test_awaiting_raises_what_the_sync_call_raises(emulator):
    async def main():
        async with entrakey.Provider.service_principal(client_secret="wrong") as provider:
            with pytest.raises(entrakey.AuthRejected) as caught:
                await provider.get_token_async()
            assert caught.value.aadsts == 7000215
            with pytest.raises(entrakey.InvalidArgument, match="timeout"):
                await provider.get_token_async(timeout=-1)
        with pytest.raises(entrakey.Closed):
            await provider.get_token_async()

    asyncio.run(main())


def test_closing_ends_every_wait(waiting):
    async def main():
        wait = asyncio.ensure_future(waiting.get_token_async(timeout=20))
        thread = asyncio.get_running_loop().run_in_executor(None, waiting.get_token, 20)
        await asyncio.sleep(0.1)
        waiting.close()
        for outcome in await asyncio.wait_for(asyncio.gather(wait, thread, return_exceptions=True), 5):
            assert isinstance(outcome, entrakey.Closed)

    asyncio.run(main())


def test_a_cancelled_wait_leaves_nothing_behind(waiting):
    complaints = []

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        wait = asyncio.ensure_future(waiting.get_token_async(timeout=0.5))
        await asyncio.sleep(0)  # it waits
        wait.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wait
        with pytest.raises(entrakey.Timeout):
            await waiting.get_token_async(timeout=1)  # the other's answer comes meanwhile

    asyncio.run(main())
    assert complaints == []


def test_an_answer_for_a_loop_that_was_closed_is_dropped(waiting, monkeypatch):
    raised = []
    monkeypatch.setattr(sys, "unraisablehook", raised.append)
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # it complains of the task that never ends
    wait = loop.create_task(waiting.get_token_async(timeout=2))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    with pytest.raises(entrakey.Timeout):
        waiting.get_token(timeout=2.5)  # the other's answer comes meanwhile
    assert raised == [] and not wait.done()
