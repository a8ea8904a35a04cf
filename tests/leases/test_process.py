"""The service as a process: how it starts and ends, how much it may have open, and its place in the agent's process."""

import contextlib
import http.client
import os
import re
import socket
import sqlite3
import subprocess
import urllib.error

import pytest
from ports import free_port
from running import PATIENCE_S, WITH_US, wait_until
from services import APPLICATION, InAgent, Installation, Leases, entrakey

from entrakey.emulator import Emulator

EVERYTHING = ("issue", "renew-own", "revoke", "list")


@pytest.fixture
def installation(emulator, tmp_path, request):
    return Installation(emulator, tmp_path, installation=request.node.name.replace("_", "")[-30:])


@pytest.mark.parametrize("command", ["leases serve", "agent run"])
def test_a_start_that_waits_for_azure_ends_as_soon_as_it_is_told_to(tmp_path, command):
    """Ctrl-C and systemd's SIGTERM were not heard before everything had been asked for."""
    with Emulator.start() as azure:
        installation = Installation(azure, tmp_path)
        options = ["--config-file", installation.config]
        if command == "agent run":
            installation.put_into_an_agents_file("check = true")
            options += ["--directory", tmp_path / "agent", "--no-app-service"]
        azure.control("POST", "/emulator/faults", {"route": "graph", "answers": [{"hang": True, "times": 100}]})
        line = [*WITH_US, os.environ["ENTRAKEY_BIN"], *command.split(), *map(str, options)]
        line += ["--check"] if command == "leases serve" else []
        service = subprocess.Popen(line, env=installation.env, stderr=subprocess.PIPE, text=True)
        waiting = lambda: azure.control("GET", "/emulator/faults")["waiting"]["graph"]  # noqa: E731
        wait_until("it asks Graph", lambda: waiting() < 100)
        service.terminate()
        said = service.communicate(timeout=5)[1]
        assert service.returncode == 143 and "SIGTERM" in said, said


def test_who_looks_at_the_route_that_ends_it_does_not_end_it(installation):
    port = free_port()
    with Leases(installation, "--quitquitquit", "--admin-port", port, token="none") as leases:
        wait_until("it has started", lambda: readiness(leases)[0] == 200)
        asked = {}
        for method in ("HEAD", "OPTIONS", "POST"):
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)) as connection:
                connection.request(method, "/quitquitquit")
                asked[method] = connection.getresponse().status
        assert asked == {"HEAD": 405, "OPTIONS": 405, "POST": 200}
        assert leases.ended() == 0


def test_idle_connections_leave_room_for_the_work_under_a_low_limit_of_open_files(installation):
    """They took every descriptor, and neither clients nor Azure got one before they were timed out."""
    token = installation.token("alice", *EVERYTHING)
    limited = ["prlimit", "--nofile=260:260"]
    with Leases(installation, token=token, prefix=limited) as leases, contextlib.ExitStack() as idle:
        leases.wait_for("there is room for 60 connections and not for 1024")
        for _ in range(300):
            idle.enter_context(socket.create_connection(("127.0.0.1", leases.port), timeout=PATIENCE_S))
        lease = leases.create(ttl="5m")
        assert installation.sign_in(lease["data"]["client_secret"]) is None
        assert not [line for line in leases.all_said() if "Too many open files" in line["message"]]


def test_leases_are_made_in_the_agents_process_too(installation):
    token = installation.token("alice", *EVERYTHING)
    installation.put_into_an_agents_file()
    with InAgent(installation, token=token) as leases:
        lease = leases.create(ttl="5m")
        assert installation.sign_in(lease["data"]["client_secret"]) is None
        assert leases("DELETE", f"/v1/leases/{lease['lease_id']}")[1]["state"] == "revoked"
        leases.terminate()
        assert leases.ended() == 143


def test_a_database_that_is_not_there_keeps_nobody_from_its_token_and_is_waited_for(installation):
    """An agent that began while PostgreSQL was away ended, and with it the tokens of a whole machine."""
    token = installation.token("alice", *EVERYTHING)
    installation.put_into_an_agents_file()
    folder = installation.database.parent / "later"
    text = installation.config.read_text()
    installation.config.write_text(text.replace(str(installation.database), str(folder / "leases.db")))
    with InAgent(installation, token=token, waits_for=r"listening on (/.*agent\.sock)") as leases:
        got = entrakey("agent", "get", "--directory", installation.folder / "agent", env=installation.env)
        assert got.returncode == 0 and got.stdout.startswith("eyJ"), got
        leases.wait_for("no leases yet, which is tried again in 1s: .*leases.db")
        assert readiness(leases) == (503, "leases: they have not begun, see the log\n")
        folder.mkdir()
        Leases.listens(leases)
        wait_until("it is ready", lambda: readiness(leases)[0] == 200)
        assert leases("GET", "/v1/leases", token=token)[0] == 401, "it is another database"


def test_probes_and_metrics_of_the_agents_process_know_of_leases(installation):
    token = installation.token("alice", *EVERYTHING)
    installation.put_into_an_agents_file()
    with InAgent(installation, token=token) as leases:
        leases.create(ttl="3s")
        metrics = leases.metrics()
        assert "entrakey_leases_issued_total 1\n" in metrics and "entrakey_agent_connections" in metrics
        assert metrics.count("# EOF") == 1 and metrics.endswith("# EOF\n")
        wait_until("it is ready", lambda: readiness(leases)[0] == 200)
        with contextlib.closing(sqlite3.connect(installation.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # nobody else can write
            wait_until("what is over cannot be revoked", lambda: readiness(leases)[0] == 503)
            assert readiness(leases)[1].startswith("leases: ")


def readiness(service):
    """Status and text."""
    try:
        return 200, service._get("/readiness")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except urllib.error.URLError as error:
        return None, str(error)  # it does not listen yet


def test_orders_about_leases_take_the_agents_file(installation):
    installation.put_into_an_agents_file()
    assert "app: Azure knows it" in installation.order("leases", "check")
    assert installation.token("alice", "issue").startswith("ekl_")
    assert "alice: issue" in installation.tokens_listed()
    installation.config.write_text(installation.config.read_text().replace(f'"{APPLICATION}"', '""'))
    bad = entrakey("leases", "check", "--config-file", installation.config, env=installation.env)
    assert bad.returncode == 2 and "leases: secrets.app: application-id" in bad.stderr, bad


def test_what_is_of_the_agents_process_is_refused_in_its_table_of_leases(installation):
    """It was taken, and nothing came of it."""
    installation.put_into_an_agents_file("health-check = true")
    order = ["agent", "run", "--config-file", installation.config, "--directory", installation.folder / "agent"]
    ended = entrakey(*order, "--no-app-service", env=installation.env)
    assert ended.returncode == 2 and re.search("leases: health-check .* top of the file", ended.stderr), ended
