"""What an agent does while Entra, the machine and its files do what they do."""

import contextlib
import json
import multiprocessing
import os
import pathlib
import re
import resource
import signal
import socket
import stat
import struct
import subprocess
import sys
import time

from agents import Agent, OverUnix, ask, entrakey
from conftest import ROOT
from ports import free_port
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


def test_an_identity_is_known_by_the_ids_of_its_token_and_before_there_is_one_nothing_lasting_is_said(folder):
    """Stock clients name it by ids that no configuration has, and take 400 for an answer that holds for ever."""
    query = "resource=https://redis.azure.com&api-version=2019-08-01"
    names = [("object_id", "OBJECT_ID"), ("principal_id", "OBJECT_ID"), ("client_id", "CLIENT_ID"), ("mi_res_id", "RESOURCE_ID")]
    with Emulator.start() as azure:
        busy = {"status": 503, "headers": {"Retry-After": "60"}}
        azure.control("POST", "/emulator/faults", {"route": "imds", "answers": [busy, {"delay_ms": 1500}]})
        known = [(name, azure[f"ENTRAKEY_EMULATOR_SYSTEM_{id}"]) for name, id in names]
        with Agent(azure, folder) as agent:
            agent.wait_for("token request failed")
            for name, id in known:
                status, headers, answer = agent.token(agent.header(), f"{query}&{name}={id}")
                assert status == 503 and int(headers["retry-after"]) > 1, (name, answer)
        with Agent(azure, folder) as agent:
            for name, id in known:  # the first one waits for the token
                status, _, answer = agent.token(agent.header(), f"{query}&{name}={id.upper()}")
                assert status == 200, (name, answer)
            status, _, answer = agent.token(agent.header(), f"{query}&object_id=nobody")
            assert status == 400 and "No identity with this object_id" in answer["message"], answer


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


def answers_to_a_hundred(agent):
    """How many tokens come for questions that are sent at once, which takes a busy machine no time."""
    question = b"GET /v1/secrets/default HTTP/1.1\r\nHost: localhost\r\n"
    with socket.socket(socket.AF_UNIX) as raw:
        raw.settimeout(PATIENCE_S)
        raw.connect(agent.socket)
        raw.sendall((question + b"\r\n") * 99 + question + b"Connection: close\r\n\r\n")
        return b"".join(iter(lambda: raw.recv(65536), b"")).count(b"HTTP/1.1 200 ")


def test_a_client_that_keeps_getting_the_same_ageing_token_causes_no_request(folder):
    """The source repeats a token that is nearly over, as IMDS does for a day's."""
    with Emulator.start(token_lifetime="30s") as azure, Agent(azure, folder, "--max-requests", "0") as agent:
        agent.secrets("/default")
        azure.control("POST", "/emulator/faults", {"route": "imds", "answers": [{"token": "cached", "times": 10_000}]})
        end = agent.secrets("/default")[2]["expires_on"]
        wait_until("it ages", lambda: end - time.time() < 8.5)
        before, begin = azure.token_requests(), time.monotonic()
        while time.monotonic() - begin < 2:
            assert answers_to_a_hundred(agent) == 100
        assert azure.token_requests() - before <= 3 * (time.monotonic() - begin), "it is the agent's pace that counts"


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
    # A new token each sixth second, and the old one is good for 24 more: a busy machine has time to bring it everywhere.
    often = {"ENTRAKEY_REFRESH_RATIO": "0.2"}
    with Emulator.start(token_lifetime="30s") as azure:
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
        with Agent(azure, folder, "--config-file", file, **often) as agent:
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
            wait_until("nothing stays beside them", lambda: len(list(place.iterdir())) == 2)
            seen = azure.connections(who)
            assert seen["expired"] == 0 and seen["auths"] == seen["connections"], seen

            # A file whose token has run out is gone.
            azure.control("POST", "/emulator/faults", {"route": "imds", "answers": [{"status": 500, "times": 10_000}]})
            wait_until("the files are removed", lambda: not list(place.iterdir()))
            azure.control("DELETE", "/emulator/faults")
            wait_until("they are there again", lambda: len(list(place.iterdir())) == 2)


def test_an_agent_that_is_just_starting_is_waited_for(folder):
    """README's two lines, the second even before the first. It comes to be there at once: a busy machine's needs seconds to
    start."""
    with Emulator.start() as azure, Agent(azure, folder) as agent:
        later = folder.with_name("later")
        command = [*WITH_US, os.environ["ENTRAKEY_BIN"], "agent", "env", "--directory", str(later), "-o", "json"]
        early = subprocess.Popen(command, env=azure.process_environment(), stdout=subprocess.PIPE, text=True)

        def has_tried():
            state = pathlib.Path(f"/proc/{early.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
            return state in "SZ"  # it sleeps, or has ended

        wait_until("it has looked for the agent", has_tried)
        later.symlink_to(folder)
        variables = json.loads(early.communicate(timeout=PATIENCE_S)[0])
        assert variables["IDENTITY_ENDPOINT"] == f"http://127.0.0.1:{agent.port}/msi/token"
        assert variables["IDENTITY_HEADER"] == agent.header()


def test_an_answer_that_is_waited_for_at_the_end_is_given_as_long_as_the_end_may_take(folder):
    """More than the few seconds that a connection has for its last answer."""
    with Emulator.start() as azure:
        azure.control("POST", "/emulator/faults", {"route": "imds", "answers": [{"delay_ms": 8_000}]})
        with Agent(azure, folder, "--max-sigterm-delay", "40s") as agent, socket.socket(socket.AF_UNIX) as raw:
            raw.settimeout(PATIENCE_S)
            raw.connect(agent.socket)
            raw.sendall(b"GET /v1/secrets/default HTTP/1.1\r\nHost: localhost\r\n\r\n")
            wait_until("the request has come", lambda: agent.counted("connections", by="unix") == 1)
            agent.terminate()
            agent.wait_for("ending because of SIGTERM")
            answer = b"".join(iter(lambda: raw.recv(65536), b""))
            assert answer.startswith(b"HTTP/1.1 200"), answer
            assert agent.ended() == 143
            assert not any("cut off" in line["message"] for line in agent.said)


def token_file(path, identity):
    return f"[[token-files]]\npath = '{path}'\nidentity = '{identity}'\n"


def machine(id, client_id=None):
    more = f"client_id = '{client_id}'\n" if client_id else ""
    return f"[identities.{id}]\nidentity = 'managed_identity'\n{more}"


def test_a_token_file_is_written_again_when_it_is_gone_and_removed_when_nobody_keeps_it(folder):
    with Emulator.start() as azure:
        kept, other = folder.with_name("redis.json"), folder.with_name("other.json")
        file = folder.with_name("agent.toml")
        file.write_text(machine("a") + machine("b") + token_file(kept, "a") + token_file(other, "b"))
        left = folder.with_name(".redis.json.0123456789abcdef")
        left.write_text("a token that a killed agent was writing")
        with Agent(azure, folder, "--config-file", file, identity=None) as agent:
            agent.wait_for("was written to its file", times=2)
            first = json.loads(kept.read_text())
            assert not left.exists()
            kept.unlink()
            wait_until("it is there again", kept.exists)
            kept.unlink()
            kept.write_text("what somebody else has put there")
            wait_until("it is the agent's again", lambda: "else" not in kept.read_text())
            assert json.loads(kept.read_text())["value"] == first["value"]

            # Another identity by the same name: its token, or none.
            azure.control("POST", "/emulator/faults", {"route": "imds", "answers": [{"status": 500, "times": 10_000}]})
            user = azure["ENTRAKEY_EMULATOR_USER_ASSIGNED_CLIENT_ID"]
            file.write_text(machine("a", user) + machine("b") + token_file(kept, "a") + token_file(other, "b"))
            wait_until("the other identity's token is gone", lambda: not kept.exists())
            assert other.exists()
            azure.control("DELETE", "/emulator/faults")
            wait_until("there is one of the new identity", kept.exists)
            assert json.loads(kept.read_text())["username"] == azure["ENTRAKEY_EMULATOR_USER_ASSIGNED_OBJECT_ID"]

            # No entry, no file.
            file.write_text(machine("a", user) + machine("b") + token_file(kept, "a"))
            wait_until("it is gone", lambda: not other.exists())
            assert kept.exists()
            agent.terminate()
            agent.ended()
        assert kept.exists(), "what was asked for stays when the agent ends"


def test_nothing_expired_stays_that_an_agent_has_left_or_cannot_replace(folder):
    """One that has been down, and one whose disk is full (a limit on the size of files)."""
    with Emulator.start(token_lifetime="12s") as azure:
        azure.control("POST", "/emulator/faults", {"route": "imds", "answers": [{"status": 500, "times": 10_000}]})
        kept, notes = folder.with_name("redis=1.json"), folder.with_name("notes.json")  # no identity is called /…/redis
        kept.write_text(json.dumps({"username": "u", "value": "v", "expires_on": int(time.time()) - 1}))
        notes.write_text("{}")
        # With it, what a full disk says is an error, and no signal: as Python leaves it.
        prefix = [sys.executable, "-c", "import os, sys; os.execvp(sys.argv[1], sys.argv[1:])"]
        options = ["--token-file", kept, "--token-file", notes, "--wait", "1s"]
        with Agent(azure, folder, *options, prefix=prefix) as agent:
            wait_until("what has expired is gone", lambda: not kept.exists())
            assert notes.read_text() == "{}", "what is no token is not its affair"
            azure.control("DELETE", "/emulator/faults")
            wait_until("there is a token", kept.exists)
            resource.prlimit(agent.process.pid, resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
            agent.wait_for("cannot be written: .*too large")
            wait_until("its token has expired", lambda: not kept.exists())
            assert agent.counted("token_files_written_total", result="failed") > 0
            wait_until("nothing stays beside it", lambda: not list(folder.parent.glob(".*")))
            resource.prlimit(agent.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            wait_until("there is room again", kept.exists)
            assert json.loads(kept.read_text())["expires_on"] > time.time()


def test_nothing_waits_for_a_request_that_hangs_not_what_expires_and_not_a_reload(folder):
    with Emulator.start() as azure:
        # One request hangs, the first identity's: that nobody else's does is not a matter of who comes first.
        azure.control("POST", "/emulator/faults", {"route": "imds", "answers": [{"hang": True}]})
        kept = folder.with_name("redis.json")
        kept.write_text(json.dumps({"username": "u", "value": "v", "expires_on": int(time.time()) + 2}))
        patient = {"ENTRAKEY_REQUEST_TIMEOUT_MS": "100000"}
        file = folder.with_name("agent.toml")
        file.write_text(machine("own"))
        options = ["--config-file", file, "--token-file", f"own={kept}", "--wait", "10m"]
        with Agent(azure, folder, *options, identity=None, **patient) as agent:
            wait_until("it hangs", lambda: not azure.control("GET", "/emulator/faults")["waiting"].get("imds"))
            wait_until("what has expired is gone", lambda: not kept.exists())
            file.write_text(machine("own") + machine("user", azure["ENTRAKEY_EMULATOR_USER_ASSIGNED_CLIENT_ID"]))
            agent.wait_for("were read again because of a change")
            wait_until("the new one has a token", lambda: agent.secrets("/user")[0] == 200)


def test_an_order_to_the_agent_needs_none_of_the_services_variables(folder):
    with Emulator.start() as azure:
        (file := folder.with_name("agent.toml")).write_text(
            f"directory = '{folder}'\nallow-uid = [{os.geteuid()}]\n[entrakey]\nidentity = '${{WHICH}}'\n"
            f"[[clients]]\nname = 'own'\nidentities = ['default']\n[[clients]]\nname = 'other'\nuids = [1]\nidentities = ['${{WHOM}}']\n"
        )
        variables = {"WHICH": "managed_identity", "WHOM": "default"}
        with Agent(azure, folder, "--config-file", file, identity=None, **variables) as agent:
            wait_until("it is ready", agent.is_ready)
            env = {name: value for name, value in agent.env.items() if name not in variables}
            for order in (["get"], ["status"]):
                ended = entrakey("agent", *order, "--config-file", file, env=env)
                assert ended.returncode == 0 and ended.stdout, ended


def test_a_reload_takes_what_may_change_and_says_what_has_to_wait_for_a_restart(folder):
    with Emulator.start() as azure:
        stores = [folder.with_name(name) for name in ("one.yaml", "two.yaml")]
        for store in stores:
            store.write_text(f"- {{id: {store.stem}, type: AzureEntraIdAuth, details: {{auth: {{}}}}}}\n")
        file = folder.with_name("agent.toml")
        file.write_text(f"secrets = '{stores[0]}'\nallow-uid = [54321]\n")
        with Agent(azure, folder, "--config-file", file, identity=None) as agent:
            assert agent.secrets("/one")[0] == 200
            header = agent.header()
            # Another store, which is watched from then on.
            more = f"max-requests = 7\nno-app-service = true\ndirectory = '{folder.parent}/elsewhere'\n[leases]\ninstallation = 'x'\n"
            file.write_text(f"secrets = '{stores[1]}'\n{more}")
            wait_until("the other store is read", lambda: agent.secrets("/two")[0] == 200)
            said = agent.wait_for("hold from the next start on: (.*)").group(1)
            assert said == "max-requests, no-app-service, leases", "what is typed wins over the file: the directory has not changed"
            assert agent.token(header)[0] == 200 and agent.header() == header
            stores[1].write_text("- {id: three, type: AzureEntraIdAuth, details: {auth: {}}}\n")
            wait_until("it is read again", lambda: agent.secrets("/three")[0] == 200)
            assert agent.token(header)[0] == 200
            # One that is not there yet.
            file.write_text(f"secrets = '{folder.parent}/later.yaml'\n")
            agent.wait_for("are no good")
            assert agent.secrets("/three")[0] == 200
            folder.with_name("later.yaml").write_text("- {id: four, type: AzureEntraIdAuth, details: {auth: {}}}\n")
            wait_until("it is read when it is there", lambda: agent.secrets("/four")[0] == 200)


def test_the_files_identity_holds_beside_variables_of_azures_that_it_does_not_read(folder):
    """AZURE_CLIENT_ID of a container is its application's: a managed identity of the file was left for the machine's own."""
    with Emulator.start() as azure:
        file = folder.parent / "agent.toml"
        client_id = azure["ENTRAKEY_EMULATOR_USER_ASSIGNED_CLIENT_ID"]
        file.write_text(f'[entrakey]\nidentity = "managed_identity"\nclient_id = "{client_id}"\n')
        variables = {"identity": None, "AZURE_CLIENT_ID": "some-other-application"}
        with Agent(azure, folder, "--no-app-service", "--config-file", file, **variables) as agent:
            assert agent.secrets("/default")[2]["username"] == azure["ENTRAKEY_EMULATOR_USER_ASSIGNED_OBJECT_ID"]


def test_what_is_asked_for_later_is_the_identitys_as_it_was_accepted(folder):
    """Tokens for a resource that nobody has asked for yet, after the store's file has become another one."""
    one, two = (folder.with_name(name) for name in ("one.yaml", "two.yaml"))
    entry = "- {id: a, type: AzureEntraIdAuth, isDefault: true, details: {auth: {%s}}}\n"
    machine = entry % ""
    resources = "resources = ['https://redis.azure.com', 'https://vault.azure.net', 'https://graph.microsoft.com']\n"
    file = folder.with_name("agent.toml")

    def write(store):
        file.write_text(f"secrets = '{store}'\n[[clients]]\nname = 'php'\n{resources}")

    with Emulator.start() as azure:
        one.write_text(machine)
        two.write_text(machine)
        write(one)
        with Agent(azure, folder, "--config-file", file, identity=None) as agent:

            def ask_for(resource):
                return agent.token(agent.header("php"), f"resource={resource}&api-version=2019-08-01")

            own = ask_for("https://redis.azure.com")[2]["client_id"]
            user = azure["ENTRAKEY_EMULATOR_USER_ASSIGNED_CLIENT_ID"]
            assert own != user
            # Another identity's by now, in a file that is no good.
            broken = "- {id: b, type: AzureEntraIdAuth, details: {auth: {}}}\n" * 2
            one.write_text(entry % f"clientID: {user}" + broken)
            agent.wait_for("are no good")
            status, headers, answer = ask_for("https://vault.azure.net")
            assert answer.get("client_id") != user, "the other identity's token"
            assert status == 503 and int(headers["retry-after"]) >= 1, answer
            assert agent.secrets("/a")[0] == 200, "what there was before holds"
            # The same entry in another file: the first one is nobody's any more.
            write(two)
            wait_until("the other file holds", lambda: ask_for("https://graph.microsoft.com")[0] == 200)
            assert ask_for("https://graph.microsoft.com")[2]["client_id"] == own


def test_another_default_is_no_other_identity(folder):
    """While Entra is down: the tokens and the files stay."""
    store, kept = folder.with_name("store.yaml"), folder / "a.token"
    entries = "- {{id: a, type: AzureEntraIdAuth, isDefault: {}, details: {{auth: {{}}}}}}\n- {{id: b, type: AzureEntraIdAuth, isDefault: {}, details: {{auth: {{}}}}}}\n"
    store.write_text(entries.format("true", "false"))
    with Emulator.start() as azure:
        with Agent(azure, folder, "--secrets", store, "--token-file", f"a={kept}", identity=None) as agent:
            wait_until("the file is there", kept.exists)
            assert agent.secrets("/default")[2]["id"] == "a" and agent.secrets("/b")[0] == 200
            written = kept.stat().st_ino
            requests = azure.token_requests()
            store.write_text(entries.format("false", "true"))
            wait_until("it is the other one", lambda: agent.secrets("/default")[2].get("id") == "b")
            assert [one["isDefault"] for one in agent.secrets()[2]["secrets"]] == [False, True]
            assert agent.secrets("/a")[0] == 200 and kept.stat().st_ino == written
            assert azure.token_requests() == requests


def test_who_may_come_in_is_taken_from_the_file_when_it_is_read_again(folder):
    with Emulator.start() as azure:
        file = folder.with_name("agent.toml")
        file.write_text(f"[[clients]]\nname = 'php'\nuids = [{os.geteuid()}]\nresources = ['https://vault.azure.net']\n")
        with Agent(azure, folder, "--config-file", file) as agent:
            assert agent.secrets("/default")[0] == 404
            file.write_text("allow-gid = ['daemon']\n")
            wait_until("this user is anybody else", lambda: agent.secrets("/default")[0] == 200)


def test_when_this_machines_clock_jumps_nobody_is_promised_more_than_there_is(folder):
    """Hours forward and back. The clock of the agent alone, by a library that is loaded before it."""
    library, clock = folder.with_name("clock.so"), folder.with_name("clock")
    source = PROGRAMS / "clock.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True, timeout=PATIENCE_S)
    clock.write_bytes(struct.pack("l", 0))
    kept = folder.with_name("redis.json")
    with Emulator.start() as azure:
        interval = {"ENTRAKEY_MIN_REQUEST_INTERVAL_MS": "15000"}  # between a request and the next one
        variables = {"LD_PRELOAD": str(library), "CLOCK_FILE": str(clock), **interval}
        with Agent(azure, folder, "--token-file", kept, "--wait", "1s", **variables) as agent:
            agent.wait_for("was written to its file")
            first, begun = agent.secrets("/default")[2], time.monotonic()

            def jump(seconds):
                with open(clock, "r+b") as file:
                    file.write(struct.pack("l", seconds))

            def left(secret, offset):
                return secret["expires_on"] - (time.time() + offset)

            def in_file():
                with contextlib.suppress(FileNotFoundError):
                    return json.loads(kept.read_text())
                return {"value": None, "expires_on": 0}

            assert 3500 < left(first, 0) <= 3600
            # By less than the token's age: the answer that was made with it is no longer true either.
            wait_until("it is four seconds old", lambda: time.monotonic() - begun > 4)
            jump(-3)
            assert agent.secrets("/default")[2]["expires_on"] <= first["expires_on"] - 2

            jump(-7200)
            back = agent.secrets("/default")[2]
            assert back["value"] == first["value"], "it is as good as before"
            assert 3500 < left(back, -7200) <= 3601 and back["refresh_after"] < back["expires_on"]
            wait_until("the file says so too", lambda: 3500 < left(in_file(), -7200) <= 3601)

            # However long all of that took: there is a while in which the next token has not come yet.
            azure.control("POST", "/emulator/faults", {"route": "imds", "answers": [{"delay_ms": 5000}]})
            jump(7200)
            answers = []

            def has_another():
                status, headers, answer = agent.secrets("/default")
                answers.append(status)
                if status != 200:
                    assert int(headers["retry-after"]) >= 1 and "is over by this machine's clocks" in answer["error"]["message"]
                return status == 200 and answer["value"] != first["value"]

            wait_until("there is another token", has_another)
            assert answers.count(200) == 1 and 503 in answers, "what is over by this clock is not handed out"
            forward = agent.secrets("/default")[2]
            assert 3500 < left(forward, 7200) <= 3601
            wait_until("it is in the file", lambda: in_file()["value"] == forward["value"])
            asked = azure.token_requests()
            assert asked <= 4, "no storm"


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


def test_an_agent_that_would_ask_itself_does_not_start(folder):
    """In the shell where `eval "$(entrakey agent env)"` was done."""
    port = free_port()
    for host in ["127.0.0.1", "localhost"]:
        itself = {"IDENTITY_ENDPOINT": f"http://{host}:{port}/msi/token", "IDENTITY_HEADER": "x"}
        env = {"PATH": os.environ["PATH"], "ENTRAKEY_IDENTITY": "managed_identity", **itself}
        ended = entrakey("agent", "run", "--directory", folder, "--port", port, env=env)
        assert ended.returncode == 2 and "names this agent itself" in ended.stderr, ended.stderr
        assert not (folder / "agent.sock").exists()


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


def test_every_metric_with_every_reason_is_in_the_documentation(folder):
    page = (ROOT / "docs/agent.md").read_text()
    with Emulator.start() as azure, Agent(azure, folder) as agent:
        text = agent.metrics()
        names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE entrakey_agent_")}
        assert names and all(f"`{name}" in page for name in names), names
        reasons = {word.split('"')[1] for word in text.split("{") if word.startswith("reason=")}
        assert reasons and all(f"`{reason}`" in page for reason in reasons), reasons
