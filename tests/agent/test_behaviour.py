"""What an agent does while Entra, the machine and its files do what they do."""

import contextlib
import json
import multiprocessing
import os
import pathlib
import signal
import socket
import stat
import subprocess
import sys
import time

from agents import Agent, OverUnix, ask, entrakey
from conftest import ROOT
from running import PATIENCE_S, WITH_US, wait_until

from entrakey.emulator import Emulator

PROGRAMS = ROOT / "tests/agent/programs"
ROTATIONS = 5
STORE = """
secrets:
  - id: other
    type: Password
    details: {{password: "${{NOT_EVEN_A_VARIABLE}}"}}
  - id: redis
    name: Entra
    type: AzureEntraIdAuth
    isDefault: true
    details:
      auth:
        tenantID: ${{AZURE_ENTRA_ID_AUTH_TENANT_ID}}
        clientID: ${{AZURE_ENTRA_ID_AUTH_CLIENT_ID}}
        clientSecret: ${{AZURE_ENTRA_ID_AUTH_CLIENT_SECRET}}
        certPath: ${{AZURE_ENTRA_ID_AUTH_CERT_PATH}}
        keyPath: ${{AZURE_ENTRA_ID_AUTH_KEY_PATH}}
  - id: {second}
    type: AzureEntraIdAuth
    details: {{auth: {{}}}}
"""


def of_process(path, number, answers):
    """One of many processes: a token by the socket."""
    answers.put((number, ask(OverUnix(path), "/v1/secrets/default")[2]["value"]))


def test_sixty_four_processes_cause_one_request_and_have_one_token(folder):
    with Emulator.start() as azure, Agent(azure, folder) as agent:
        context = multiprocessing.get_context("fork")
        answers = context.Queue()
        workers = [context.Process(target=of_process, args=(agent.socket, n, answers), daemon=True) for n in range(64)]
        for worker in workers:
            worker.start()
        tokens = {answers.get(timeout=PATIENCE_S) for _ in workers}
        for worker in workers:
            worker.join(PATIENCE_S)
        assert len(tokens) == 64 and len({token for _, token in tokens}) == 1
        assert azure.token_requests() == 1
        assert agent.counted("handed_out_total", identity="default") >= 64


def test_a_stores_file_is_read_as_it_is_and_each_read_of_a_secret_is_fresh(folder):
    """The vendor's example with an application's secret in variables, and a second entry for the machine's identity."""
    store = folder.with_name("secrets.yaml")
    store.write_text(STORE.format(second="machine"))
    with Emulator.start() as azure:
        application = azure.env("client_secret")
        auth = {f"AZURE_ENTRA_ID_AUTH_{name}": application[f"AZURE_{name}"] for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET")}
        with Agent(azure, folder, "--secrets", store, identity=None, **auth) as agent:
            status, _, answer = agent.secrets()
            assert [(one["id"], one["isDefault"]) for one in answer["secrets"]] == [("machine", False), ("redis", True)]
            for id, who in [("redis", "SERVICE_PRINCIPAL"), ("default", "SERVICE_PRINCIPAL"), ("machine", "SYSTEM")]:
                status, headers, secret = agent.secrets(f"/{id}")
                assert status == 200 and headers["cache-control"] == "no-store", secret
                assert set(secret) == {"id", "type", "username", "value", "expires_on", "refresh_after"}
                assert secret["username"] == application[f"ENTRAKEY_EMULATOR_{who}_OBJECT_ID"]
                assert secret["type"] == "AzureEntraIdAuth"
                assert time.time() < secret["refresh_after"] < secret["expires_on"]
            assert agent.secrets("/other")[0] == 404, "an entry of another type"

            # Another id for the second one: the first keeps its token.
            before = azure.token_requests()
            first = agent.secrets("/redis")[2]["value"]
            store.write_text(STORE.format(second="vm"))
            wait_until("the file is read again", lambda: agent.secrets("/vm")[0] == 200)
            assert agent.secrets("/machine")[0] == 404
            assert agent.secrets("/redis")[2]["value"] == first
            assert azure.token_requests() == before + 1, "for the one that is new"

            # A file that is no good changes nothing.
            store.write_text("secrets: [")
            agent.process.send_signal(signal.SIGHUP)
            agent.wait_for("are no good")
            assert agent.secrets("/redis")[2]["value"] == first
            assert agent.counted("reloads_total", result="ok") >= 1 <= agent.counted("reloads_total", result="failed")


def test_an_agent_that_is_killed_begins_anew_with_nothing_on_disk_but_its_clients_secrets(folder):
    with Emulator.start() as azure:
        with Agent(azure, folder) as first:
            token = first.secrets("/default")[2]["value"]
            header = first.header()
            first.kill()
        assert sorted(path.name for path in folder.iterdir()) == ["agent.sock", "default.header"]
        assert all(token.encode() not in path.read_bytes() for path in folder.glob("*.header"))
        with Agent(azure, folder, "--port", "0") as second:
            assert second.token(header)[0] == 200
            assert second.secrets("/default")[0] == 200


def test_in_an_outage_a_valid_token_is_handed_out_until_its_margin_and_then_503_comes_with_a_time(folder):
    with Emulator.start(token_lifetime="20s") as azure, Agent(azure, folder) as agent:
        first = agent.secrets("/default")[2]
        header = agent.header()
        azure.control("POST", "/emulator/faults", {"route": "imds", "answers": [{"status": 500, "times": 10_000}]})
        served, last_served = 0, 0.0
        while True:
            status, headers, answer = agent.secrets("/default")
            now = time.time()
            if status != 200:
                break
            assert now < answer["expires_on"], "an expired token"
            served, last_served = served + 1, answer["expires_on"] - now
            first = answer
            time.sleep(0.05)
        assert status == 503 and int(headers["retry-after"]) >= 1, answer
        assert answer["error"]["code"] == "NETWORK" or answer["error"]["code"] == "BAD_RESPONSE", answer
        assert served > 20 and last_served > 1, "the margin is kept"
        status, headers, answer = agent.token(header)
        assert (status, answer["statusCode"]) == (503, 503) and int(headers["retry-after"]) >= 1
        wait_until("the token is over", lambda: not agent.is_ready())
        azure.control("DELETE", "/emulator/faults")
        wait_until("it is over", lambda: agent.secrets("/default")[0] == 200)
        assert agent.secrets("/default")[2]["value"] != first["value"]


def test_a_client_that_keeps_getting_the_same_ageing_token_causes_no_request(folder):
    """The source repeats a token that is nearly over, as IMDS does for a day's."""
    with Emulator.start(token_lifetime="30s") as azure, Agent(azure, folder, "--max-requests", "0") as agent:
        agent.secrets("/default")
        azure.control("POST", "/emulator/faults", {"route": "imds", "answers": [{"token": "cached", "times": 10_000}]})
        asked, end = 0, agent.secrets("/default")[2]["expires_on"]
        wait_until("it ages", lambda: end - time.time() < 8.5)
        before = azure.token_requests()
        begin = time.monotonic()
        while time.monotonic() - begin < 2:
            assert agent.secrets("/default")[0] == 200
            asked += 1
        assert asked > 100
        assert azure.token_requests() - before <= 6, "it is the agent's pace that counts"


def test_on_a_machine_whose_clock_is_hours_off_tokens_are_counted_by_the_servers(folder):
    with Emulator.start() as azure, Agent(azure, folder) as agent:
        first = agent.secrets("/default")[2]["value"]
        azure.control("POST", "/emulator/clock", {"advance_ms": 2 * 3_600_000})
        # The server's clock has jumped, and this machine's has not.
        with Agent(azure, folder.with_name("second")) as second:
            answer = second.secrets("/default")[2]
            assert answer["value"] != first
            assert 0 < answer["expires_on"] - time.time() <= 3700, "by this machine's clock"


def test_token_files_are_whole_for_php_and_ruby_through_five_rotations(folder):
    with Emulator.start(token_lifetime="12s") as azure:
        place = folder.with_name("tokens")
        place.mkdir()
        file = folder.with_name("agent.toml")
        file.write_text(
            f"""
            [[token-files]]
            path = "{place}/redis.token"
            mode = "0640"
            group = {os.getegid()}
            [[token-files]]
            path = "{place}/redis.json"
            """
        )
        with Agent(azure, folder, "--config-file", file) as agent:
            agent.wait_for("was written to its file", times=2)
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()}
            assert modes == {"redis.token": 0o640, "redis.json": 0o600}
            where = [azure["REDIS_HOST"], azure["REDIS_PORT"], azure["REDIS_CA_FILE"]]
            who = azure["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]
            commands = [
                ["php", PROGRAMS / "reads.php", place / "redis.token", *where, who, ROTATIONS + 1],
                ["ruby", PROGRAMS / "reads.rb", place / "redis.json", *where, ROTATIONS + 1],
            ]
            readers = [
                subprocess.Popen(
                    [*WITH_US, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
                )
                for command in commands
            ]
            for reader in readers:
                out, err = reader.communicate(timeout=4 * PATIENCE_S)
                assert reader.returncode == 0, err
                assert json.loads(out)["tokens"] == ROTATIONS + 1
            assert len(list(place.iterdir())) == 2, "nothing stays beside them"
            seen = azure.connections(who)
            assert seen["expired"] == 0 and seen["auths"] == seen["connections"], seen

            # A file whose token has run out is gone.
            azure.control("POST", "/emulator/faults", {"route": "imds", "answers": [{"status": 500, "times": 10_000}]})
            wait_until("the files are removed", lambda: not list(place.iterdir()))
            azure.control("DELETE", "/emulator/faults")
            wait_until("they are there again", lambda: len(list(place.iterdir())) == 2)


def test_the_command_finds_its_agent_and_says_what_it_ends_with(folder):
    with Emulator.start() as azure, Agent(azure, folder) as agent:
        def run(*words):
            return entrakey("agent", *words, "--directory", folder, env=agent.env)

        assert agent.secrets("/default")[0] == 200
        token = run("get")
        assert token.returncode == 0 and token.stdout.count(".") == 2 and token.stderr == ""
        secret = json.loads(run("get", "default", "-o", "json").stdout)
        assert secret["value"] == token.stdout.strip()
        assert f"REDISCLI_AUTH='{secret['value']}'" in run("get", "-o", "env").stdout
        unknown = run("get", "nobody")
        assert unknown.returncode == 2 and "No identity" in unknown.stderr
        status = run("status")
        assert status.returncode == 0 and "valid for" in status.stdout and "default" in status.stdout
        assert secret["value"] not in status.stdout
        shell = run("env")
        assert shell.returncode == 0
        evaluated = subprocess.run(
            ["sh", "-c", f"MSI_ENDPOINT=x; {shell.stdout}\necho $IDENTITY_ENDPOINT $IDENTITY_HEADER $MSI_ENDPOINT"],
            capture_output=True, text=True, timeout=PATIENCE_S,
        )
        assert evaluated.stdout.split() == [f"http://127.0.0.1:{agent.port}/msi/token", agent.header()]
        assert run("env", "nobody").returncode == 2

        azure.control("POST", "/emulator/faults", {"route": "imds", "answers": [{"status": 500, "times": 100}]})
    gone = entrakey("agent", "get", "--directory", folder, env=agent.env)
    assert gone.returncode == 5 and "Does an agent run here" in gone.stderr


def test_an_identity_that_fails_ends_nothing_and_is_not_ready(folder):
    with Emulator.start() as azure:
        azure.control("POST", "/emulator/faults", {"route": "imds", "answers": [{"status": 500, "times": 3}]})
        with Agent(azure, folder, "--wait", "1s") as agent:
            code, said = agent.readiness()
            assert code in (200, 503), said
            wait_until("it has a token", agent.is_ready)


def test_sigterm_ends_it_with_143_its_socket_gone_and_answers_given(folder):
    with Emulator.start() as azure, Agent(azure, folder, "--max-sigterm-delay", "30s") as agent:
        wait_until("it is ready", agent.is_ready)
        idle = OverUnix(agent.socket)
        idle.request("GET", "/v1/secrets")
        assert idle.getresponse().read()
        agent.terminate()
        assert agent.ended() == 143
        assert not pathlib.Path(agent.socket).exists()
        idle.close()


def test_systemd_hands_it_sockets_and_is_told_when_it_is_ready(folder):
    """As a unit .socket does: descriptors from 3, LISTEN_FDS, LISTEN_PID."""
    with Emulator.start() as azure, contextlib.ExitStack() as stack:
        path, notify = folder.with_name("handed.sock"), folder.with_name("notify")
        systemd = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        systemd.bind(str(notify))
        systemd.settimeout(PATIENCE_S)
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(path))
        listener.listen()
        prefix = [sys.executable, str(PROGRAMS / "hand_over.py"), str(listener.fileno())]
        os.set_inheritable(listener.fileno(), True)
        agent = HandedOver(azure, folder, prefix, notify, listener.fileno())
        stack.callback(agent.kill)
        assert systemd.recv(4096).startswith(b"READY=1")
        assert ask(OverUnix(path), "/v1/secrets/default")[0] == 200
        assert not (folder / "agent.sock").exists()


class HandedOver:
    """An agent with a socket of somebody else's."""

    def __init__(self, azure, folder, prefix, notify, descriptor):
        command = [*WITH_US, *prefix, os.environ["ENTRAKEY_BIN"], "agent", "run", "--directory", str(folder)]
        env = azure.process_environment(ENTRAKEY_IDENTITY="managed_identity", NOTIFY_SOCKET=str(notify))
        self._process = subprocess.Popen(command, env=env, pass_fds=[descriptor], stdin=subprocess.DEVNULL)

    def kill(self):
        self._process.kill()
        self._process.wait(PATIENCE_S)


def test_every_metric_with_every_reason_is_in_the_documentation(folder):
    page = (ROOT / "docs/agent.md").read_text()
    with Emulator.start() as azure, Agent(azure, folder) as agent:
        text = agent.metrics()
        names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE entrakey_agent_")}
        assert names and all(f"`{name}" in page for name in names), names
        reasons = {word.split('"')[1] for word in text.split("{") if word.startswith("reason=")}
        assert reasons and all(f"`{reason}`" in page for reason in reasons), reasons
