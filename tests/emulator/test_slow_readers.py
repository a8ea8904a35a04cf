"""Clients that do not read: what waits for them has a limit, or stays with who sends it."""

import pytest
from ports import free_port
from test_proxy import run_server

MIB = 1 << 20
VALUE = "x" * MIB


@pytest.fixture(scope="module", params=["in_process", "proxy"])
def emulator(request, start, tmp_path_factory):
    if request.param == "in_process":
        yield start("1h")
        return
    port = free_port()
    server = run_server(port, tmp_path_factory.mktemp("server"))
    try:
        yield start("1h", proxy=f"redis://:backend-secret@127.0.0.1:{port}")
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def connect(emulator):
    """Authenticated connections, as many as are asked for."""
    connections = []

    def one():
        connections.append(emulator.connect())
        user = emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]
        assert connections[-1]("AUTH", user, emulator.token()) == "OK"
        return connections[-1]

    yield one
    for connection in connections:
        connection.close()


def test_answers_that_nobody_reads_are_not_made(emulator, connect):
    slow, other = connect(), connect()
    assert slow("SET", "big", VALUE) == "OK"
    for _ in range(200):
        slow.send("GET", "big")
    for _ in range(20):
        assert other("PING") == "PONG", "nobody else waits"
    for _ in range(200):
        assert slow.read() == VALUE
    assert slow("PING") == "PONG"
    assert emulator.peak_memory() < 150 * MIB, emulator.peak_memory() // MIB


def test_a_subscriber_that_does_not_read_is_let_go(emulator, connect):
    slow, publisher = connect(), connect()
    assert slow("SUBSCRIBE", "firehose") == ["subscribe", "firehose", 1]
    told = [publisher("PUBLISH", "firehose", VALUE) for _ in range(200)]
    assert told[:8] == [1] * 8 and told[-1] == 0, "it had some patience, and an end"
    with pytest.raises((EOFError, OSError, ValueError)):
        while True:
            slow.read()
    assert emulator.peak_memory() < 250 * MIB
