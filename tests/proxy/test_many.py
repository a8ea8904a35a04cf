"""Thousands of idle connections get a new token at once, and whoever works beside them does not notice."""

import contextlib
import resource
import socket

import pytest
from entrakey.emulator import Emulator
from running import PATIENCE_S, Proxy, memory_kib, wait_until
from stories import Story, never_pauses

MANY = 5_000
# A new token each minute, for all of them in the same moment; and four minutes to bring it to them: a build without
# optimisation on a busy machine needs a half.
TOKEN_S = 300
AT_THE_SAME_MOMENT = ("--refresh-ratio", "0.2", "--refresh-jitter", "0", "--reauth-spread", "0")
AT_ONCE = 10  # more would not be served sooner, and each has seconds only to say who it is
# The proxy has two of each connection; what else it opens is little.
DESCRIPTORS = 2 * MANY + 200
KIB_EACH = 40


@pytest.fixture(autouse=True)
def descriptors():
    """As many as are needed, for this process and those that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard == resource.RLIM_INFINITY or hard >= DESCRIPTORS, (
        f"{DESCRIPTORS} open files are needed, and the limit is {hard}: raise it (ulimit -Hn)"
    )
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, DESCRIPTORS), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def all_answer(connections):
    for first in range(0, len(connections), AT_ONCE):
        some = connections[first : first + AT_ONCE]
        for one in some:
            one.sendall(b"PING\r\n")
        assert {one.recv(7) for one in some} == {b"+PONG\r\n"}


def open_many(port, stack):
    connections = []
    while len(connections) < MANY:
        some = [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) for _ in range(AT_ONCE)]
        connections += [stack.enter_context(one) for one in some]
        all_answer(some)
    return connections


def test_thousands_of_idle_connections_get_a_new_token_at_once():
    with contextlib.ExitStack() as stack:
        emulator = stack.enter_context(Emulator.start(token_lifetime=f"{TOKEN_S}s"))
        proxy = stack.enter_context(Proxy(emulator, *AT_THE_SAME_MOMENT, "--connect-timeout", "10m"))
        who = emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]
        alone = memory_kib(proxy.process.pid)
        connections = open_many(proxy.port, stack)
        busy = Story("requests without a pause", never_pauses(proxy.port))
        stack.callback(busy.kill)
        busy.wait_until_ready()

        def accepted():
            return proxy.counted("reauth_total", result="accepted")

        wait_until("all are on one token", lambda: proxy.counted("reauth_pending") == 0, TOKEN_S)
        before, auths = accepted(), emulator.connections(who)["auths"]
        wait_until("the first of them has a new one", lambda: accepted() > before, TOKEN_S)
        rounds = busy.rounds()
        wait_until("all have it", lambda: accepted() > before + MANY, TOKEN_S)
        rounds = busy.rounds() - rounds
        assert rounds > 0, "who works beside them was starved"

        all_answer(connections)
        seen = emulator.connections(who)
        assert seen["auths"] > auths + MANY and seen["expired"] == 0, (auths, seen)
        closed = {by: proxy.counted("upstream_closed_total", by=by) for by in ("client", "upstream", "proxy")}
        assert (closed["upstream"], closed["proxy"]) == (0, 0), closed
        assert proxy.counted("reauth_total", result="refused") == 0
        grown = memory_kib(proxy.process.pid) - alone
        print(f"{grown / MANY:.1f} KiB each, {rounds} rounds beside it")
        assert grown < KIB_EACH * MANY, f"{grown / MANY:.0f} KiB for each connection"
        busy.finish()
        assert busy.outcome()["said"] == ""
