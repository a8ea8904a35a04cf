"""Starts the emulator for each test that asks for one."""

import contextlib
import json
import os
import pathlib
import subprocess
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
def running(lifetime):
    assert BINARY.exists(), f"{BINARY} is missing: run `cargo build -p entrakey-cli`, or set ENTRAKEY_BIN"
    command = [BINARY, "emulator", "--format", "json", "--quiet", "--exit-with-parent"]
    with subprocess.Popen(
        [*command, "--token-lifetime", lifetime], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Emulator(json.loads(process.stdout.readline()))
        finally:
            process.stdin.close()


@pytest.fixture
def start_emulator(monkeypatch):
    """start_emulator("4s") gives an emulator whose environment is this process's for the test."""
    for name in list(os.environ):
        if name.startswith(("ENTRAKEY_", "AZURE_", "IDENTITY_", "MSI_")):
            monkeypatch.delenv(name)
    with contextlib.ExitStack() as stack:

        def start(lifetime):
            emulator = stack.enter_context(running(lifetime))
            for name, value in emulator.environment.items():
                monkeypatch.setenv(name, value)
            return emulator

        yield start


@pytest.fixture
def emulator(start_emulator):
    return start_emulator("1h")
