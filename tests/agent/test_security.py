"""Who gets nothing: each rule by itself, from the outside."""

import contextlib
import grp
import http.client
import json
import os
import pathlib
import socket
import stat
import subprocess
import tempfile
import time

import pytest
from agents import ASKS, RESOURCE, STRANGER, VERSION, Agent, OverUnix, ask, entrakey
from running import PATIENCE_S, wait_until

GOOD = f"resource={RESOURCE}&api-version={VERSION}"


@pytest.fixture(scope="module")
def agent(emulator, tmp_path_factory):
    """Two services: `php` may have the identity, `other` one that Azure does not know."""
    file = tmp_path_factory.mktemp("file") / "agent.toml"
    file.write_text(
        f"""
        max-connections = 64
        [identities.redis]
        identity = "managed_identity"
        [identities.secret]
        identity = "managed_identity"
        client_id = "00000000-0000-0000-0000-000000000000"
        [[clients]]
        name = "php"
        identities = ["redis"]
        [[clients]]
        name = "other"
        identities = ["secret"]
        resources = ["https://vault.azure.net"]
        [[clients]]
        name = "default"
        uids = [{os.geteuid()}]
        """
    )
    folder = tmp_path_factory.mktemp("place") / "agent"
    with Agent(emulator, folder, "--config-file", file, identity=None) as agent:
        agent.wait_for("new token")
        yield agent


def test_each_service_has_a_secret_of_its_own_for_this_user_alone(agent):
    secrets = {name: agent.header(name) for name in ("php", "other")}
    assert len(set(secrets.values())) == 2 and all(len(secret) == 64 for secret in secrets.values())
    for name in secrets:
        assert stat.S_IMODE((agent.folder / f"{name}.header").stat().st_mode) == 0o600
    assert stat.S_IMODE(agent.folder.stat().st_mode) == 0o750
    assert stat.S_IMODE(pathlib.Path(agent.socket).stat().st_mode) == 0o660


def test_the_right_question_is_answered_as_on_app_service_and_nobody_keeps_the_answer(agent):
    status, headers, answer = agent.token(agent.header("php"))
    assert status == 200 and headers["cache-control"] == "no-store", answer
    assert set(answer) == {"access_token", "expires_on", "resource", "token_type", "client_id"}
    assert answer["resource"] == RESOURCE and answer["expires_on"].isdigit() and answer["token_type"] == "Bearer"
    for host in (f"localhost:{agent.port}", f"127.0.0.1:{agent.port}", f"[::1]:{agent.port}"):
        assert agent.token(agent.header("php"), host=host)[0] == 200


@pytest.mark.parametrize("header", [None, "", "x", "0" * 64], ids=["none", "empty", "short", "another"])
def test_without_the_secret_there_is_401(agent, header):
    before = agent.counted("refused_total", reason="secret")
    status, _, answer = agent.token(header)
    assert status == 401 and answer["statusCode"] == 401 and "access_token" not in answer
    assert agent.counted("refused_total", reason="secret") == before + 1


def test_a_secret_that_is_shown_twice_is_none(agent):
    connection = http.client.HTTPConnection("127.0.0.1", agent.port, timeout=PATIENCE_S)
    connection.putrequest("GET", f"/msi/token?{GOOD}")
    for _ in range(2):
        connection.putheader("X-IDENTITY-HEADER", agent.header("php"))
    connection.endheaders()
    assert connection.getresponse().status == 401
    connection.close()


@pytest.mark.parametrize(
    "foreign",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1"},
        {"host": "localhost:80"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Referer": "https://evil.example/page"},
        {"Sec_Fetch_Site": "none"},
        {"Sec_Fetch_Mode": "cors", "Sec_Fetch_Site": "cross-site", "Sec_Fetch_Dest": "empty"},
        {"X_Forwarded_For": "10.0.0.7"},
        {"Forwarded": "for=10.0.0.7"},
        {"Via": "1.1 squid"},
    ],
    ids=lambda one: "-".join(f"{name} {value}" for name, value in one.items()),
)
def test_a_web_page_or_another_server_gets_nothing_even_with_the_secret(agent, foreign):
    status, headers, answer = agent.token(agent.header("php"), **foreign)
    assert status == 403 and "access_token" not in answer
    assert not any(name.lower().startswith("access-control") for name in headers)


@pytest.mark.parametrize(
    ("query", "part"),
    [
        (f"{GOOD}&resource={RESOURCE}", "more than once"),
        (f"{GOOD}&%72esource={RESOURCE}", "more than once"),
        (f"{GOOD}&client_id=a&client_id=b", "more than once"),
        (f"{GOOD}&client_id=a&object_id=b", "both there"),
        (f"resource={RESOURCE}", "api-version"),
        (f"resource={RESOURCE}&api-version=2017-09-01", "api-version"),
        (f"api-version={VERSION}", "resource"),
        (f"resource=https://vault.azure.net&api-version={VERSION}", "resource"),
        (f"resource=https://redis.azure.com.evil.example&api-version={VERSION}", "resource"),
        (f"{GOOD}&client_id=00000000-0000-0000-0000-000000000000", "No identity"),
        (f"{GOOD}&client_id=secret", "No identity"),
        (f"{GOOD}&x={'x' * 5000}", "longer"),
    ],
)
def test_what_a_service_may_not_have_is_400_and_asked_for_once(agent, query, part):
    status, headers, answer = agent.token(agent.header("php"), query)
    assert status == 400 and answer["statusCode"] == 400 and part in answer["message"], answer
    assert "retry-after" not in headers, "clients do not try again"


def test_what_is_no_question_is_refused(agent):
    def status(method, path=f"/msi/token?{GOOD}", body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", agent.port, timeout=PATIENCE_S)
        return ask(connection, path, {"X-IDENTITY-HEADER": agent.header("php"), **headers}, method, body)[0]

    assert [status(method) for method in ("POST", "PUT", "DELETE", "OPTIONS")] == [405] * 4
    assert status("GET", body=b"a body") == 400
    assert status("GET", path="/") == status("GET", path="/v1/secrets") == status("GET", path="/msi/token/") == 404


def test_bytes_that_are_no_request_end_the_connection_and_nothing_else(agent):
    for bad in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: " + b"x" * 20_000, b"\0" * 9):
        answer = b""
        with socket.create_connection(("127.0.0.1", agent.port), timeout=PATIENCE_S) as raw:
            with contextlib.suppress(OSError):  # it may close before it has read all
                raw.sendall(bad)
                raw.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionError):
                answer = raw.recv(65536)
        assert b"access_token" not in answer
    assert agent.token(agent.header("php"))[0] == 200


def test_a_request_that_hides_in_another_one_or_behind_it_gets_nothing(agent):
    """Two readers of the same bytes must not see different requests; each has to show the secret itself."""
    host, secret = f"Host: 127.0.0.1:{agent.port}\r\n", f"X-IDENTITY-HEADER: {agent.header('php')}\r\n"
    line, last = f"GET /msi/token?{GOOD} HTTP/1.1\r\n{host}", "Connection: close\r\n\r\n"
    inner = f"{line}{secret}{last}"
    for hidden in (
        f"{line}{secret}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}",
        f"{line}{secret}Content-Length: 0\r\nContent-Length: {len(inner)}\r\n\r\n{inner}",
        f"{line}{secret}Content-Length: {len(inner)}\r\n\r\n{inner}",
        f"{line}X: a\r\n {secret}{last}",
        f"{line}\r\n{line}{last}",
        f"GET http://evil.example/msi/token?{GOOD} HTTP/1.1\r\n{host}{secret}{last}",
    ):
        with socket.create_connection(("127.0.0.1", agent.port), timeout=PATIENCE_S) as raw:
            raw.sendall(hidden.encode())
            answer = b""
            with contextlib.suppress(ConnectionError):  # what it has not read is lost to it
                while part := raw.recv(65536):
                    answer += part
        assert b"access_token" not in answer and b"HTTP/1.1 200" not in answer, hidden


def test_strangers_that_say_nothing_keep_nobody_from_its_answer(agent):
    """More connections than there may be: those that have shown no secret make room."""
    idle = [socket.create_connection(("127.0.0.1", agent.port), timeout=PATIENCE_S) for _ in range(100)]
    assert agent.token(agent.header("php"))[0] == 200
    assert agent.secrets()[0] == 200
    for one in idle:
        one.close()


def test_strangers_cannot_take_the_last_open_file(emulator, folder):
    """Where the administrator gives the process few: the places are as many as there is room for."""
    with Agent(emulator, folder, prefix=["prlimit", "--nofile=300:300"]) as agent, contextlib.ExitStack() as stack:
        agent.wait_for("room for 100 connections and not for 4096")
        for _ in range(350):
            stack.enter_context(socket.create_connection(("127.0.0.1", agent.port), timeout=PATIENCE_S))
        assert agent.token(agent.header())[0] == 200
        assert agent.secrets()[0] == 200
        assert not any("no client can be taken" in line["message"] for line in agent.all_said())


def test_the_secret_is_in_no_log_and_no_token_is(agent):
    token = agent.token(agent.header("php"))[2]["access_token"]
    agent.token("0" * 64)
    agent.wait_for("X-IDENTITY-HEADER has no")
    said = json.dumps(agent.all_said())
    for secret in (token, token.split(".")[2], agent.header("php"), agent.header("other"), "0" * 64):
        assert secret not in said


def test_each_hand_out_is_in_the_log_with_who_got_what(agent):
    agent.token(agent.header("php"))
    agent.secrets("/redis")
    deadline = time.monotonic() + PATIENCE_S
    while True:
        lines = [line for line in agent.all_said() if line.get("audit") == "handed_out"]
        by = {line["client"]: line for line in lines}
        if {"php", "default"} <= set(by):
            break
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert by["php"]["from"].startswith("127.0.0.1:") and by["php"]["identity"] == "redis"
    assert by["default"]["from"] == f"uid {os.geteuid()} gid {os.getegid()}"
    assert by["default"]["resource"] == RESOURCE and by["default"]["expires_on"].isdigit()


def test_what_lasts_is_400_and_what_passes_503_with_a_time(agent):
    """The identity that Azure does not know."""
    status, headers, answer = agent.token(agent.header("other"), f"resource=https://vault.azure.net&api-version={VERSION}")
    assert status == 400 and "retry-after" not in headers, answer
    status, headers, answer = agent.secrets("/secret")
    assert status == 503 and int(headers["retry-after"]) > 0
    assert answer["error"]["code"] == "IDENTITY_UNAVAILABLE", answer


def test_the_socket_says_no_to_pages_bodies_and_parameters(agent):
    for headers in ({"Origin": "null"}, {"X-Forwarded-For": "10.0.0.7"}, {"Sec-Fetch-Site": "same-origin"}):
        assert agent.secrets("/redis", headers=headers)[0] == 403
    assert agent.secrets("/redis?x=1")[0] == 400
    assert agent.secrets("/redis", method="POST")[0] == 405
    assert agent.secrets("/redis", body=b"x")[0] == 400
    assert agent.secrets("/nothing")[0] == 404
    status, _, answer = agent.secrets("/%ff")
    assert status == 400 and answer["error"]["code"] == "bad_request" and "letters" in answer["error"]["message"]


def test_values_are_in_no_list(agent):
    status, headers, answer = agent.secrets()
    assert status == 200 and headers["cache-control"] == "no-store"
    assert answer == {
        "secrets": [
            {"id": "redis", "type": "AzureEntraIdAuth", "isDefault": False},
            {"id": "secret", "type": "AzureEntraIdAuth", "isDefault": False},
        ]
    }


def test_the_process_writes_no_core_dump_and_lets_nobody_read_its_memory(agent):
    limits = pathlib.Path(f"/proc/{agent.process.pid}/limits").read_text()
    assert [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core")] == [["0", "0"]]
    # Of a process that is not dumpable the files belong to root.
    assert pathlib.Path(f"/proc/{agent.process.pid}/mem").stat().st_uid == 0
    status = pathlib.Path(f"/proc/{agent.process.pid}/status").read_text()
    is_locked = "VmLck:\t       0 kB" not in status
    says_why = any("memory is not locked" in line["message"] for line in agent.all_said())
    assert is_locked != says_why, "locked, or said why not"


def test_users_that_are_no_clients_get_nothing(emulator, folder):
    """This user itself, when the file lets another one in only."""
    file = folder.with_name("agent.toml")
    file.write_text(f"[[clients]]\nname = 'default'\nuids = [{STRANGER}]\n")
    with Agent(emulator, folder, "--config-file", file) as agent:
        status, _, answer = agent.secrets("/default")
        assert status == 403 and "--allow-uid" in answer["error"]["message"]
        assert agent.counted("refused_total", reason="user") == 1


@pytest.mark.parametrize(
    ("narrowed", "redis", "ids"),
    [("identities = ['redis']", 200, ["redis"]), ("resources = ['https://vault.azure.net']", 404, [])],
    ids=["identities", "resources"],
)
def test_a_user_that_a_client_names_gets_what_that_may_have_and_nothing_else(emulator, folder, narrowed, redis, ids):
    file = folder.with_name("agent.toml")
    identities = "".join(f"[identities.{name}]\nidentity = 'managed_identity'\n" for name in ("redis", "other"))
    files = "".join(f"[[token-files]]\nidentity = '{name}'\npath = '{folder}/{name}.json'\n" for name in ("redis", "other"))
    file.write_text(f"{identities}{files}[[clients]]\nname = 'php'\nuids = [{os.geteuid()}]\n{narrowed}\n")
    with Agent(emulator, folder, "--config-file", file, identity=None) as agent:
        agent.wait_for("new token")
        assert agent.secrets("/redis")[0] == redis and agent.secrets("/other")[0] != 200
        assert [one["id"] for one in agent.secrets()[2]["secrets"]] == ids
        status = ask(OverUnix(agent.socket), "/v1/status")[2]
        assert [one["id"] for one in status["identities"]] == ids
        assert [one["name"] for one in status["clients"]] == ["php"]
        assert len(status["token_files"]) == len(ids)


def test_a_user_that_two_clients_name_gets_what_either_may_have(emulator, folder):
    file = folder.with_name("agent.toml")
    client = "[[clients]]\nname = '{}'\nuids = [{}]\n{}\n".format
    me = os.geteuid()
    file.write_text(client("vault", me, "resources = ['https://vault.azure.net']") + client("redis", me, ""))
    with Agent(emulator, folder, "--config-file", file) as agent:
        assert [one["id"] for one in agent.secrets()[2]["secrets"]] == ["default"]
        assert [agent.secrets(path)[0] for path in ("/default", "/nobody")] == [200, 404]


@pytest.mark.parametrize(
    ("options", "gid", "groups", "said"),
    [
        (["--allow-uid", STRANGER], STRANGER, [], "200"),
        (["--allow-gid", STRANGER], STRANGER, [], "200"),
        (["--allow-gid", STRANGER + 1], STRANGER, [], "403"),
        (["--allow-gid", STRANGER + 1], STRANGER, [STRANGER + 2, STRANGER + 1], "200"),
        (["--allow-gid", STRANGER + 1], STRANGER, [STRANGER + 2, *range(60_000, 60_100)], "403"),
        (["--allow-gid", STRANGER + 1], STRANGER, [*range(60_000, 60_100), STRANGER + 1], "200"),
        (["--allow-gid", "daemon"], STRANGER, [grp.getgrnam("daemon").gr_gid], "200"),
        (["--allow-uid", STRANGER + 1], STRANGER, [STRANGER + 1], "403"),
    ],
    ids=[
        "uid", "gid", "another group", "supplementary group", "other supplementary groups", "one of many groups",
        "group by name", "another user",
    ],
)  # fmt: skip
def test_another_user_is_known_by_the_system(emulator, as_another_user, options, gid, groups, said):
    """The directory and the socket keep out who is not in the one group that they are for. Where they are open, it is who
    the stranger is that does."""
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        folder = pathlib.Path(place) / "agent"
        with Agent(emulator, folder, *options) as agent:
            command = [*as_another_user(gid, groups), "/usr/bin/python3", "-c", ASKS, agent.socket]
            closed = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
            is_for_it = said == "200" and "--allow-gid" in options
            assert closed.stdout == "200\n" if is_for_it else "PermissionError" in closed.stderr, closed
            os.chmod(folder, 0o755)
            os.chmod(agent.socket, 0o666)
            opened = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
            assert opened.stdout.strip() == said, opened.stderr


def test_a_group_that_a_reload_lets_in_gets_in(emulator, as_another_user):
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        folder, file = pathlib.Path(place) / "agent", pathlib.Path(place) / "agent.toml"
        file.write_text("wait = '20s'\n")
        with Agent(emulator, folder, "--config-file", file) as agent:
            for times, allowed in enumerate([STRANGER, STRANGER + 1], start=1):
                file.write_text(f"wait = '20s'\nallow-gid = [{allowed}]\n")
                agent.wait_for(r"read again because of a change of a file$", times=times)
                for gid in [STRANGER, STRANGER + 1]:
                    command = [*as_another_user(gid), "/usr/bin/python3", "-c", ASKS, agent.socket]
                    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
                    assert (ended.stdout == "200\n") == (gid == allowed), (gid, allowed, ended)


def test_the_groups_of_a_client_are_its_members_whatever_else_they_are_in(emulator, as_another_user):
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        folder, file = pathlib.Path(place) / "agent", pathlib.Path(place) / "agent.toml"
        file.write_text(f"[[clients]]\nname = 'php'\ngids = [{STRANGER + 1}, 'daemon']\n")
        with Agent(emulator, folder, "--config-file", file) as agent:
            os.chmod(folder, 0o755)
            os.chmod(agent.socket, 0o666)
            for groups, said in [([STRANGER + 1], "200"), ([grp.getgrnam("daemon").gr_gid], "200"), ([], "403")]:
                command = [*as_another_user(STRANGER, groups), "/usr/bin/python3", "-c", ASKS, agent.socket]
                ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
                assert ended.stdout.strip() == said, ended.stderr


def test_a_user_has_its_number_of_connections(emulator, folder):
    with Agent(emulator, folder, "--max-connections-per-user", "3") as agent:
        held = [OverUnix(agent.socket) for _ in range(3)]
        for one in held:
            one.request("GET", "/v1/secrets")
            assert one.getresponse().read()
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            agent.secrets()
        assert agent.counted("refused_total", reason="full") == 1
        held.pop().close()
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                assert agent.secrets()[0] == 200
                break
            except (ConnectionError, http.client.HTTPException):
                assert time.monotonic() < deadline


class Held:
    """Connections of a client service that have each had an answer."""

    def __init__(self, agent, name):
        self._agent, self._headers = agent, {"X-IDENTITY-HEADER": agent.header(name)}
        self._open = []

    def add(self):
        """The status of the answer on one more."""
        connection = http.client.HTTPConnection("127.0.0.1", self._agent.port, timeout=PATIENCE_S)
        connection.request("GET", f"/msi/token?{GOOD}", headers=self._headers)
        answer = connection.getresponse()
        answer.read()
        self._open.append(connection)
        return answer.status

    def close(self):
        for connection in self._open:
            connection.close()
        self._open.clear()


CLIENTS = "".join(f"[[clients]]\nname = '{name}'\n" for name in ("php", "cron", "web"))


def test_one_user_cannot_take_all_places_of_the_socket_however_few_there_are(emulator, as_another_user):
    """As many as the socket has, each with an answer: root gets its own nevertheless."""
    holds = """
import socket, sys
held = []
for _ in range(8):
    stream = socket.socket(socket.AF_UNIX)
    stream.connect(sys.argv[1])
    try:
        stream.sendall(b"GET /v1/secrets HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
        held += [stream] if stream.recv(4096) else []
    except OSError:
        pass
print(len(held), flush=True)
sys.stdin.read()
"""
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        folder = pathlib.Path(place) / "agent"
        with Agent(emulator, folder, "--allow-gid", STRANGER, "--max-connections", "16") as agent:
            command = [*as_another_user(), "/usr/bin/python3", "-c", holds, agent.socket]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
            with subprocess.Popen(command, **pipes) as stranger:
                assert stranger.stdout.readline() == "4\n", "half of the socket's places"
                assert agent.secrets("/default")[0] == 200
                stranger.stdin.close()


def test_a_client_service_has_its_number_of_connections(emulator, folder):
    file = folder.with_name("agent.toml")
    file.write_text(CLIENTS)
    with Agent(emulator, folder, "--config-file", file, "--max-connections-per-user", "3") as agent:
        agent.wait_for("new token")
        with contextlib.closing(Held(agent, "php")) as php, contextlib.closing(Held(agent, "cron")) as cron:
            assert [php.add() for _ in range(4)] == [200, 200, 200, 429]
            assert agent.counted("refused_total", reason="full") == 1
            assert [cron.add() for _ in range(3)] == [200, 200, 200]
            assert agent.counted("connections", by="app_service") == 7
            php.close()
            wait_until("what has ended makes room", lambda: php.add() == 200)


def test_clients_that_hold_all_places_keep_nobody_from_the_socket(emulator, folder):
    file = folder.with_name("agent.toml")
    file.write_text(CLIENTS)
    limits = ["--max-connections", "8", "--max-connections-per-user", "4"]
    with Agent(emulator, folder, "--config-file", file, *limits) as agent, contextlib.ExitStack() as stack:
        agent.wait_for("new token")
        for name in ("php", "cron", "web"):
            held = stack.enter_context(contextlib.closing(Held(agent, name)))
            for _ in range(4):
                with contextlib.suppress(ConnectionError, http.client.HTTPException):
                    held.add()
        assert agent.counted("refused_total", reason="full") > 0, "they hold all that they can"
        assert agent.secrets("/default")[0] == 200
        assert agent.counted("connections", by="app_service") == 4


def test_a_client_cannot_keep_warnings_about_others_out_of_the_log(emulator, folder):
    """It makes up as many mistakes as it likes: they are one kind of its own."""
    file = folder.with_name("agent.toml")
    file.write_text(f"{CLIENTS}uids = [{STRANGER}]\n")
    with Agent(emulator, folder, "--config-file", file) as agent:
        agent.wait_for("new token")
        for number in range(120):
            assert agent.token(agent.header("php"), f"x{number}=1&x{number}=2")[0] == 400
        assert agent.token(agent.header("cron"), "x=1&x=2")[0] == 400
        assert agent.token("0" * 64)[0] == 401
        assert agent.secrets(headers={"Origin": "null"})[0] == 403
        agent.terminate()
        agent.ended()
        said = [line for line in agent.said if line.get("audit") == "refused"]
        assert {line["severity"] for line in said} == {"WARNING"}
        kinds = [(line["reason"], line["from"].split(":")[0].split(" ")[0]) for line in said]
        assert kinds == [*[("request", "127.0.0.1")] * 3, ("secret", "127.0.0.1"), ("foreign", "uid")], said
        assert "(100 times)" in said[1]["message"] and "(cron)" in said[2]["from"]


def secret_file(folder, path):
    """A configuration whose one client has its secret there."""
    file = folder.with_name("agent.toml")
    file.write_text(f"[[clients]]\nname = 'php'\nsecret-file = '{path}'\n")
    return file


SECRET = "s3cret" * 10


@pytest.mark.parametrize(
    ("mode", "owner", "part"),
    [
        (0o600, 0, None),
        (0o400, 0, None),
        (0o440, 0, "other users"),
        (0o640, 0, "other users"),
        (0o604, 0, "other users"),
        (0o600, STRANGER, f"belongs to user {STRANGER}"),
    ],
    ids=lambda one: oct(one) if isinstance(one, int) else "",
)
def test_a_secret_file_is_this_users_or_roots_and_nobody_else_reads_it(emulator, folder, mode, owner, part):
    path = folder.with_name("secret")
    path.write_text(f"{SECRET}\n")
    path.chmod(mode)
    os.chown(path, owner, owner)
    file = secret_file(folder, path)
    if part is None:
        with Agent(emulator, folder, "--config-file", file) as agent:
            assert agent.token(SECRET)[0] == 200
    else:
        env = emulator.process_environment()
        ended = entrakey("agent", "run", "--config-file", file, "--directory", folder, "--port", 0, env=env)
        assert ended.returncode == 2 and part in ended.stderr and SECRET not in ended.stderr, ended.stderr


def test_a_secret_file_that_is_a_pipe_is_not_waited_for(emulator, folder):
    path = folder.with_name("secret")
    os.mkfifo(path, 0o600)
    options = ["--config-file", secret_file(folder, path), "--directory", folder, "--port", 0]
    ended = entrakey("agent", "run", *options, env=emulator.process_environment())
    assert ended.returncode == 2 and "is not a file" in ended.stderr, ended.stderr


def test_what_systemd_has_loaded_as_a_credential_is_a_secret_file(emulator, folder):
    """Its directory is root's, 0500 or so; a file in it is root's and 0440, by an ACL for the service's user."""
    credentials = folder.with_name("credentials")
    credentials.mkdir(0o500)
    path = credentials / "php"
    path.write_text(SECRET)
    path.chmod(0o440)
    file = secret_file(folder, "${CREDENTIALS_DIRECTORY}/php")
    with Agent(emulator, folder, "--config-file", file, CREDENTIALS_DIRECTORY=str(credentials)) as agent:
        assert agent.token(SECRET)[0] == 200
    elsewhere = folder.with_name("elsewhere")
    elsewhere.mkdir()
    env = emulator.process_environment(CREDENTIALS_DIRECTORY=str(elsewhere))
    options = ["--config-file", secret_file(folder, path), "--directory", folder, "--port", 0]
    ended = entrakey("agent", "run", *options, env=env)
    assert ended.returncode == 2 and "other users" in ended.stderr, ended.stderr


def test_a_client_that_asks_without_end_is_told_to_wait(emulator, folder):
    with Agent(emulator, folder, "--max-requests", "1") as agent:  # slower than any machine asks
        agent.wait_for("new token")
        answers = [agent.secrets("/default") for _ in range(40)]
        refused = [headers for status, headers, _ in answers if status == 429]
        assert refused and all(int(headers["retry-after"]) >= 1 for headers in refused)
        assert agent.token(agent.header())[0] == 200, "another account"


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("[[clients]]\nname = 'php'\nidentities = ['nobody']\n", 'no identity "nobody"'),
        ("[[clients]]\nname = 'php'\nidentitis = ['default']\n", "identitis"),
        ("[[clients]]\nname = 'php'\nresources = []\n", "php: its list of resources is empty"),
        ("[[clients]]\nname = 'php é'\n", 'the client\'s name "php é" must have letters'),
        ("[[clients]]\nname = '../php'\n", "php"),
        ("[[clients]]\nname = 'php'\n[[clients]]\nname = 'php'\n", "two clients"),
        ("allow-uid = [5]\n[[clients]]\nname = 'default'\nuids = [0]\n", "give that client uids and gids"),
        ("[[token-files]]\npath = '/tmp/x'\nmode = '0644'\n", "0600, or 0640"),
        ("[[token-files]]\npath = '/tmp/x'\nmode = '0000'\n", "0640 for its group, and not 0000"),
        ("[[token-files]]\npath = '/tmp/x'\n[[token-files]]\npath = '/tmp/../tmp/x'\n", "is there twice"),
        ("[[token-files]]\npath = '/tmp/x'\nidentity = 'nobody'\n", 'no identity "nobody"'),
        ("[identities.a]\nidentity = 'managed_identity'\ndefault = 'yes'\n", "default"),
        (
            "[identities.a]\nidentity = 'managed_identity'\ndefault = true\n[identities.b]\nidentity = 'managed_identity'\ndefault = true\n",
            "several",
        ),
        ("prot = 8441\n", "port"),
        ("address = '0.0.0.0'\n", "127.0.0.1"),
        ("[identities.a]\nidentity = 'managed_identity'\nclientid = 'x'\n", "client_id"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_what_to_do(emulator, folder, file, part):
    path = folder.with_name("agent.toml")
    path.write_text(file)
    env = emulator.process_environment()
    ended = entrakey("agent", "run", "--config-file", path, "--directory", folder, "--port", 0, env=env)
    assert ended.returncode == 2 and part in ended.stderr, ended.stderr


def test_a_directory_that_others_can_change_is_refused(emulator, folder):
    folder.mkdir()
    folder.chmod(0o777)
    env = emulator.process_environment()
    ended = entrakey("agent", "run", "--directory", folder, "--port", 0, env=env)
    assert ended.returncode == 2 and "chmod" in ended.stderr, ended.stderr


def test_a_variable_that_would_make_all_entries_one_identity_is_refused(emulator, folder):
    store = folder.with_name("store.yaml")
    store.write_text("- {id: a, type: AzureEntraIdAuth, details: {auth: {}}}\n")
    env = emulator.process_environment(ENTRAKEY_CLIENT_ID="somebody")
    ended = entrakey("agent", "run", "--secrets", store, "--directory", folder, "--port", 0, env=env)
    assert ended.returncode == 2 and "ENTRAKEY_CLIENT_ID" in ended.stderr, ended.stderr


def test_a_program_with_foreign_privileges_does_not_start(as_another_user, open_place):
    """Setuid: whoever starts it is another one than whose files it reads."""
    os.chmod(open_place / "entrakey", 0o4755)
    command = [*as_another_user(), open_place / "entrakey", "agent", "run", "--directory", open_place]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    assert ended.returncode == 2 and "setuid" in ended.stderr, ended.stderr


def test_a_living_agents_socket_is_its_own_and_a_dead_ones_is_replaced(emulator, folder):
    with Agent(emulator, folder) as first:
        env = first.env
        second = entrakey("agent", "run", "--directory", folder, "--port", 0, env=env)
        assert second.returncode == 1 and "another process serves the socket" in second.stderr
        header = first.header()
        first.kill()
    with Agent(emulator, folder) as third:
        assert third.header() == header, "clients go on with what they have"
        assert third.secrets("/default")[0] == 200
