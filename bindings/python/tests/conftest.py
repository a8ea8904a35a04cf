"""The emulator's fixtures are those that everybody gets, entrakey.pytest_plugin."""

import asyncio
import gc
import os
import pathlib
import signal
import socket
import subprocess
import sys
import textwrap
import time

import pytest

from entrakey.emulator import _foreign

# A shell that starts this in the background has Ctrl-C ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)

ROOT = pathlib.Path(__file__).resolve().parents[3]
os.environ.setdefault("ENTRAKEY_BIN", str(ROOT / "target/debug/entrakey"))

pytest_plugins = ["entrakey.pytest_plugin"]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    """What configures the developer's own Azure tools must not configure a test."""
    for name in filter(_foreign, list(os.environ)):
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def what_is_left_open_is_this_tests_fault():
    """A socket that nobody closed is reported when it is collected: here, not in whichever test collects it later."""
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def a_loop_ends_when_its_connections_have(monkeypatch):
    """redis-py closes a connection that failed without waiting for the end of its TLS: a loop that ends first leaves it open."""
    run = asyncio.run

    async def until_closed(main):
        try:
            return await main
        finally:
            open_files = asyncio.get_running_loop()._selector.get_map()
            patience = time.monotonic() + 5
            while len(open_files) > 1 and time.monotonic() < patience:  # one is the loop's own
                await asyncio.sleep(0.01)

    monkeypatch.setattr(asyncio, "run", lambda main: run(until_closed(main)))


@pytest.fixture
def silent():
    """The address of a token source that takes requests and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def run():
    """run(program, *arguments): the outcome of a Python program, in a process of its own."""

    def run(program, *arguments, timeout=30):
        command = [sys.executable, "-c", textwrap.dedent(program), *arguments]
        return subprocess.run(command, timeout=timeout, capture_output=True, text=True)

    return run


def tried(link):
    """The version that a connection was last authenticated with, or refused."""
    return max(version for version in (0, 1, 2, 1000, 2000) if not link.entry.is_behind(version))
