"""The story of tests/vectors/connections.json, told by a real client of every language at the same time: what status and
metrics say of connections means the same everywhere."""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

from entrakey.emulator import Emulator

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("ENTRAKEY_BIN", str(ROOT / "target/debug/entrakey"))
STORY = json.loads((ROOT / "tests/vectors/connections.json").read_text())
HERE = ROOT / "tests/contract"
CLIENTS = {
    "hiredis": [ROOT / "target/examples-c/connections"],
    **{
        f"{package} {style}": [sys.executable, HERE / "connections.py", package, style]
        for package in ("redis", "valkey")
        for style in ("sync", "asyncio")
    },
    **{f"{library} (Node.js)": ["node", HERE / "connections.mjs", library] for library in ("ioredis", "ioredis-5", "iovalkey", "redis", "redis-5")},
}
PATIENCE_S = 60


class Client:
    """A program that tells the story, and an emulator of its own: faults are for whoever comes first."""

    def __init__(self, command):
        self.emulator = Emulator.start()
        environment = self.emulator.process_environment(**STORY["environment"])
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def status(self):
        """The next that it prints, in the core's spelling."""
        line = self.process.stdout.readline()
        assert line, self.process.communicate(timeout=PATIENCE_S)[1]
        return json.loads(re.sub(r'"\w+":', lambda key: re.sub("[A-Z]", lambda c: "_" + c[0].lower(), key[0]), line))

    def go_on(self):
        self.emulator.control("POST", "/emulator/redis/faults", STORY["faults"])
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def close(self):
        self.process.kill()
        self.process.communicate()
        self.emulator.close()


@pytest.fixture(scope="module")
def told():
    """By client: what it said when it was connected, and when it was renewed."""
    clients = {name: Client(command) for name, command in CLIENTS.items()}
    try:
        connected = {name: client.status() for name, client in clients.items()}
        for client in clients.values():
            client.go_on()
        yield {name: (connected[name], client.status()) for name, client in clients.items()}
    finally:
        for client in clients.values():
            client.close()


@pytest.mark.parametrize("client", CLIENTS)
def test_every_client_counts_the_same(client, told):
    for expected, status in zip((STORY["connected"], STORY["renewed"]), told[client]):
        assert {key: part_of(status[key], value) for key, value in expected.items()} == expected


def part_of(said, expected):
    return {key: said[key] for key in expected} if isinstance(expected, dict) else said
