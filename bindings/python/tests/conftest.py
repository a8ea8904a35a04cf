"""Starts the emulator for each test that asks for one."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import textwrap
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = pathlib.Path(os.environ.get("ENTRAKEY_BIN", ROOT / "target/debug/entrakey"))


class Emulator:
    """A running emulator: its environment by name, and what it saw."""

    def __init__(self, environment):
        self.environment = environment

    def __getitem__(self, name):
        return self.environment[name]

    def stats(self):
        with urllib.request.urlopen(self["ENTRAKEY_EMULATOR_URL"] + "/emulator/stats", timeout=5) as answer:
            return json.load(answer)

    def token_requests(self):
        return self.stats()["token_requests"]["total"]

    def connections(self, object_id):
        return self.stats()["redis"]["by_object_id"].get(object_id, {"connections": 0, "auths": 0})


@contextlib.contextmanager
def running(lifetime, *options):
    assert BINARY.exists(), f"{BINARY} is missing: run `cargo build -p entrakey-cli`, or set ENTRAKEY_BIN"
    command = [BINARY, "emulator", "--format", "json", "--quiet", "--exit-with-parent"]
    with subprocess.Popen(
        [*command, "--token-lifetime", lifetime, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Emulator(json.loads(process.stdout.readline()))
        finally:
            process.stdin.close()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    """What configures the developer's own Azure tools must not configure a test."""
    for name in list(os.environ):
        if name.startswith(("ENTRAKEY_", "AZURE_", "IDENTITY_", "MSI_")):
            monkeypatch.delenv(name)


@pytest.fixture
def start_emulator(monkeypatch):
    """start_emulator("4s", *options) gives an emulator whose environment is this process's for the test."""
    with contextlib.ExitStack() as stack:

        def start(lifetime, *options):
            emulator = stack.enter_context(running(lifetime, *options))
            for name, value in emulator.environment.items():
                monkeypatch.setenv(name, value)
            return emulator

        yield start


@pytest.fixture
def emulator(start_emulator):
    return start_emulator("1h")


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
