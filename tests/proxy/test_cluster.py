"""Clients that know about clusters, and nothing of Entra, through one proxy with tokens of eight seconds: each node fails
over while they work."""

import contextlib
import json
import os
import subprocess
import sys
import threading

import pytest
from clients import JAVA, PEERS
from conftest import ROOT
from running import PATIENCE_S, Proxy

from entrakey.emulator import Emulator

NODES = 3
BUILT = ROOT / "target/peers"
REDIS_PY = [sys.executable, ROOT / "tests/proxy/programs/with_redis_py_cluster.py"]
NODE = ["node", PEERS / "node/cluster_rounds.mjs"]
COMMANDS = {
    "redis-py, RESP2": [*REDIS_PY, "2"],
    "redis-py, RESP3": [*REDIS_PY, "3"],
    "ioredis": [*NODE, "ioredis"],
    "ioredis, 250 ms between tries": [*NODE, "ioredis", "250"],
    "node-redis": [*NODE, "node-redis"],
    "go-redis": [BUILT / "go", "cluster-rounds"],
    "Jedis": [*JAVA, "peers.Main", "jedis", "cluster-rounds"],
    "Lettuce": [*JAVA, "peers.Main", "lettuce", "cluster-rounds"],
}
# ioredis tries sixteen times, a tenth of a second apart; redis-py ten times without a pause, Jedis five times with pauses
# of random length.
GIVES_UP_WITHIN_2_S = {"ioredis", "redis-py, RESP2", "redis-py, RESP3", "Jedis"}


class Client:
    """A program that says the number of each round that it has done, and its last words when its input ends."""

    def __init__(self, name, proxy):
        self.name, pipe = name, subprocess.PIPE
        environment = {**os.environ, "REDIS_PORT": str(proxy.port), "NAME": name}
        self.process = subprocess.Popen(COMMANDS[name], env=environment, stdin=pipe, stdout=pipe, text=True)
        self._said, self._ended, self._news = [], False, threading.Condition()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self):
        for line in self.process.stdout:
            with self._news:
                self._said.append(line)
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def does_rounds(self, count):
        """Waits for so many from now on."""
        with self._news:
            wanted = len(self._said) + count
            self._news.wait_for(lambda: len(self._said) >= wanted or self._ended, PATIENCE_S)
            assert len(self._said) >= wanted, f"{self.name} does no round after {self._said[-1:]}"

    def outcome(self):
        self.process.stdin.close()
        assert self.process.wait(PATIENCE_S) == 0, self.name
        self._listener.join(PATIENCE_S)
        return json.loads(self._said[-1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(PATIENCE_S)


@pytest.fixture(scope="module", params=[0, 2000], ids=["at once", "after 2 s"])
def outcome(request):
    """What became of the clients, where the proxy said that nodes are, and what the emulator counted. A node that fails
    over is found elsewhere so many milliseconds later."""
    names = [name for name in COMMANDS if request.param == 0 or name not in GIVES_UP_WITHIN_2_S]
    with contextlib.ExitStack() as running:
        emulator = running.enter_context(Emulator.start(token_lifetime="8s", cluster_policy="oss", nodes=NODES))
        proxy = running.enter_context(Proxy(emulator))
        clients = [running.enter_context(Client(name, proxy)) for name in names]
        for client in clients:
            client.does_rounds(1)
        for node in range(NODES):
            emulator.control("POST", "/emulator/redis/failover", {"node": node, "down_ms": request.param})
            for client in clients:
                client.does_rounds(3)
        first_tokens = emulator.token_requests()
        while emulator.token_requests() < first_tokens + 2:
            for client in clients:
                client.does_rounds(1)
        told = {client.name: client.outcome() for client in clients}
        proxy.terminate()
        assert proxy.ended() == 143
        yield told, [line["message"] for line in proxy.said], emulator


def test_a_fail_over_and_a_new_token_are_no_error_to_a_client(outcome):
    told, said, _ = outcome
    places = {line.split(" ")[0] for line in said if " is for the server's node " in line}
    assert len(places) == 2 * NODES, f"a port for each node, before and after: {said}"
    known = places | {line.split(" ")[-1] for line in said if "listening on" in line}
    for name, last in told.items():
        assert set(last["places"]) <= known, name


def test_no_connection_outlived_its_token(outcome):
    emulator = outcome[2]
    assert emulator.connections(emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"])["expired"] == 0
