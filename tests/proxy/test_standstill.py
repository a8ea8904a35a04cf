"""Somebody stops in the middle, and does not say so: a server that is not there any more, a client that is stopped, one
that reads a byte at a time. Whoever else is there is served, and no memory is spent on it."""

import contextlib
import os
import signal
import socket
import subprocess
import threading

import pytest
import redis
from entrakey.emulator import Emulator
from running import PATIENCE_S, WITH_US, Proxy, memory_kib, wait_until
from test_faults import connect

MIB = 1024 * 1024
BIG = 50 * MIB
GROWTH_KIB = 8 * 1024


@pytest.fixture(scope="module")
def emulator(server):
    """Tokens of an hour: this gate looks at an AUTH when all before it has been read, unlike a Redis."""
    with Emulator.start(proxy=server.url) as emulator:
        yield emulator


class Forwarder:
    """Between the proxy and its server. What it has taken so far it can let stand still: both ends stay open, and hear
    nothing any more. Whoever comes later goes through."""

    def __init__(self, port):
        self._to, self._pairs = port, []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):  # closed
            while True:
                client = self._listener.accept()[0]
                pair = (client, socket.create_connection(("127.0.0.1", self._to)), threading.Event())
                self._pairs.append(pair)
                for source, target in (pair[:2], pair[1::-1]):
                    threading.Thread(target=self._copy, args=(source, target, pair[2]), daemon=True).start()

    @staticmethod
    def _copy(source, target, stands_still):
        with contextlib.suppress(OSError):
            while data := source.recv(MIB):
                if stands_still.is_set():
                    return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def stand_still(self):
        for pair in self._pairs:
            pair[2].set()

    def close(self):
        self._listener.close()
        for client, server, _ in self._pairs:
            client.close(), server.close()


def redis_cli(proxy, *words):
    command = ["redis-cli", "-p", str(proxy.port), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S).stdout


def test_a_server_that_stands_still_costs_its_client_one_connection_and_nobody_else_anything(emulator):
    with contextlib.closing(Forwarder(emulator["REDIS_PORT"])) as forwarder:
        with Proxy(emulator, upstream_port=forwarder.port) as proxy, connect(proxy, socket_timeout=5) as client:
            with connect(proxy) as first:
                assert first.set("still", "here")  # it has waited for the first token
            assert client.get("still") == "here"
            forwarder.stand_still()
            with pytest.raises(redis.TimeoutError):
                client.get("still")
            assert client.get("still") == "here"  # redis-py has connected anew
            assert redis_cli(proxy, "GET", "still") == "here\n"
            wait_until("the one that stood still is let go", lambda: proxy.counted("connections", state="connected") == 1)


def test_a_client_that_is_stopped_gets_its_messages_when_it_goes_on(emulator, server):
    publisher, message = redis.Redis.from_url(server.url), "x" * 100_000
    publisher.delete("beside")
    with Proxy(emulator) as proxy, connect(proxy) as other:
        command = [*WITH_US, "redis-cli", "-p", str(proxy.port), "SUBSCRIBE", "news"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as listener:
            assert [listener.stdout.readline() for _ in range(3)] == ["subscribe\n", "news\n", "1\n"]
            before = memory_kib(proxy.process.pid)
            os.kill(listener.pid, signal.SIGSTOP)
            for number in range(200):  # 20 MB: more than any buffer on the way, less than the server's limit
                assert publisher.publish("news", f"{number} {message}") == 1
                assert other.incr("beside") == number + 1
            assert memory_kib(proxy.process.pid) - before < GROWTH_KIB
            os.kill(listener.pid, signal.SIGCONT)
            for number in range(200):
                said = [listener.stdout.readline() for _ in range(3)]
                assert said == ["message\n", "news\n", f"{number} {message}\n"], number
            listener.kill()


def test_a_client_that_reads_a_byte_at_a_time_gets_the_whole_value_and_nobody_waits_for_it(emulator, server):
    redis.Redis.from_url(server.url).setrange("big", BIG - 1, "x")
    with contextlib.ExitStack() as stack:
        proxy = stack.enter_context(Proxy(emulator))
        other = stack.enter_context(connect(proxy))
        slow = stack.enter_context(socket.socket())
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(PATIENCE_S)
        slow.connect(("127.0.0.1", proxy.port))
        before = memory_kib(proxy.process.pid)
        slow.sendall(b"GET big\r\nPING\r\n")
        for read in range(1, 100):
            assert len(slow.recv(1)) == 1
            assert other.set("beside", read) and other.get("beside") == str(read)
            if read % 10 == 0:
                assert redis_cli(proxy, "GET", "beside") == f"{read}\n"
        assert memory_kib(proxy.process.pid) - before < GROWTH_KIB
        left, end = len(f"${BIG}\r\n") + BIG + len("\r\n+PONG\r\n") - read, b""
        while left > 0:
            piece = slow.recv(min(left, MIB))
            assert piece, f"closed with {left} bytes to come"
            left, end = left - len(piece), (end + piece)[-9:]
        assert end == b"\r\n+PONG\r\n"
        slow.sendall(b"PING\r\n")
        assert slow.recv(7) == b"+PONG\r\n", "the connection is not what it was"
