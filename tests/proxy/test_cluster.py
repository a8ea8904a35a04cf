"""Clients that know about clusters, and nothing of Entra, through one proxy with tokens of eight seconds: each node fails
over while they work."""

import contextlib
import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT
from running import PATIENCE_S, Proxy

from entrakey.emulator import Emulator

NODES = 3
REDIS_PY = [sys.executable, ROOT / "tests/proxy/programs/with_redis_py_cluster.py"]
COMMANDS = {
    "redis-py, RESP2": [*REDIS_PY, "2"],
    "redis-py, RESP3": [*REDIS_PY, "3"],
    "ioredis": ["node", ROOT / "tests/peers/node/cluster_rounds.mjs"],
}


class Client:
    """A program that says the number of each round that it has done, and its last words when its input ends."""

    def __init__(self, name, proxy):
        self.name, pipe = name, subprocess.PIPE
        environment = {**os.environ, "REDIS_PORT": str(proxy.port), "NAME": name}
        self.process = subprocess.Popen(COMMANDS[name], env=environment, stdin=pipe, stdout=pipe, text=True)

    def does_rounds(self, count):
        for _ in range(count):
            line = self.process.stdout.readline()
            assert line.strip().isdigit(), f"{self.name}: {line!r}"

    def outcome(self):
        last = self.process.communicate(timeout=PATIENCE_S)[0].splitlines()[-1]
        assert self.process.returncode == 0, self.name
        return json.loads(last)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(PATIENCE_S)


@pytest.fixture(scope="module")
def outcome():
    """What became of the clients, where the proxy said that nodes are, and what the emulator counted."""
    with contextlib.ExitStack() as running:
        emulator = running.enter_context(Emulator.start(token_lifetime="8s", cluster_policy="oss", nodes=NODES))
        proxy = running.enter_context(Proxy(emulator))
        clients = [running.enter_context(Client(name, proxy)) for name in COMMANDS]
        for client in clients:
            client.does_rounds(3)
        for node in range(NODES):
            emulator.control("POST", "/emulator/redis/failover", {"node": node, "down_ms": 0})
            for client in clients:
                client.does_rounds(3)
        first_tokens = emulator.token_requests()
        while emulator.token_requests() < first_tokens + 2:
            for client in clients:
                client.does_rounds(3)
        told = {client.name: client.outcome() for client in clients}
        proxy.terminate()
        assert proxy.ended() == 143
        yield told, [line["message"] for line in proxy.said], emulator


@pytest.mark.parametrize("name", COMMANDS)
def test_a_fail_over_and_a_new_token_are_no_error_to_a_client(outcome, name):
    told, said, _ = outcome
    places = {line.split(" ")[0] for line in said if " is for the server's node " in line}
    assert len(places) == 2 * NODES, f"a port for each node, before and after: {said}"
    assert set(told[name]["places"]) <= places | {line.split(" ")[-1] for line in said if "listening on" in line}


def test_no_connection_outlived_its_token(outcome):
    emulator = outcome[2]
    assert emulator.connections(emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"])["expired"] == 0
