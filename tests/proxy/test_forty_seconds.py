"""Stock clients that know nothing of Entra, all at once through one proxy for forty seconds, with tokens of eight: no
error, no lost message, no connection that ended. `make test-proxy` runs it by itself."""

import contextlib
import time
from itertools import chain

import pytest
from clients import COMMANDS, Client
from running import Proxy
from stories import Story, never_pauses, redis_cli, redis_cli_in_a_terminal, waits_for_longer_than_a_token_lives

SECONDS = 40
# Rounds last a second and more on a machine that is busy; the one that waits for two tokens takes some sixteen.
FEWEST_ROUNDS = {"a pop that waits": 1}
STORIES = ("redis-cli", "redis-cli in a terminal", "a pop that waits", "requests without a pause")
FEWEST_REAUTHS = 4


@pytest.fixture(scope="module")
def outcome(emulator, tmp_path_factory):
    path = tmp_path_factory.mktemp("proxy") / "redis.sock"
    with contextlib.ExitStack() as running:
        proxy = running.enter_context(Proxy(emulator, "--unix-socket", str(path), "--debug-logs"))
        steps = (
            redis_cli(proxy.port),
            redis_cli_in_a_terminal(proxy.port),
            waits_for_longer_than_a_token_lives(proxy.port, emulator),
            never_pauses(proxy.port),
        )
        clients = []
        for client in chain((Client(name, proxy, path) for name in COMMANDS), map(Story, STORIES, steps)):
            running.callback(client.kill)
            client.wait_until_ready()  # one after the other: all at once are too much for two processors
            clients.append(client)
        counted_before = proxy.counted("reauth_total", result="accepted")
        open_before = proxy.counted("connections", state="connected")
        time.sleep(SECONDS)
        for client in clients:
            client.finish()
        found = {
            "reauths": (proxy.counted("reauth_total", result="accepted") - counted_before) / open_before,
            "clients": {client.name: client.outcome() for client in clients},
            "refused": proxy.counted("refused_total"),
            "refused tokens": proxy.counted("reauth_total", result="refused"),
            "closed": {by: proxy.counted("upstream_closed_total", by=by) for by in ("upstream", "proxy")},
            "redis": emulator.connections(emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]),
        }
        proxy.terminate()
        found["code"], found["complaints"] = proxy.ended(), proxy.complaints()
        found["log"] = "\n".join(line["message"] for line in proxy.said)
        yield found


@pytest.mark.parametrize("name", [*COMMANDS, *STORIES])
def test_a_stock_client_notices_nothing(outcome, name):
    told = outcome["clients"][name]
    assert (told["code"], told["said"]) == (0, ""), told["said"]
    assert told["rounds"] >= FEWEST_ROUNDS.get(name, 8), told


def test_every_connection_was_authenticated_again_and_again(outcome):
    # Each by the mean; a connection that was left out would have been closed with its token.
    assert outcome["reauths"] >= FEWEST_REAUTHS, outcome


def test_no_connection_ended_but_by_its_client(outcome):
    assert outcome["closed"] == {"upstream": 0, "proxy": 0}, outcome
    assert outcome["redis"]["expired"] == 0, outcome
    assert (outcome["refused"], outcome["refused tokens"]) == (0, 0), outcome


def test_the_proxy_complains_of_no_connection_and_no_secret_is_in_its_log(outcome):
    assert (outcome["code"], outcome["complaints"]) == (143, []), outcome
    assert "eyJ" not in outcome["log"]
