"""A lease from one end to the other, of each kind."""

import contextlib
import json
import os
import pathlib
import socket
import sqlite3
import subprocess

import pytest
from running import PATIENCE_S, WITH_US, wait_until
from services import ADA, ADA_NAME, APPLICATION, CACHE, MANAGER_PRINCIPAL, PRINCIPAL, Installation, Leases, entrakey

from entrakey.emulator import Emulator

EVERYTHING = ("issue", "renew-own", "revoke", "list")


@pytest.fixture
def installation(emulator, tmp_path, request):
    return Installation(emulator, tmp_path, installation=request.node.name.replace("_", "")[-30:])


@pytest.fixture
def leases(installation):
    with Leases(installation, "--check", token=installation.token("alice", *EVERYTHING)) as leases:
        yield leases


def redis_cli(installation, user, token, *command):
    emulator = installation.emulator
    where = ["--tls", "--cacert", emulator["REDIS_CA_FILE"], "-h", "localhost", "-p", emulator["REDIS_PORT"]]
    env = {**installation.env, "REDISCLI_AUTH": token}
    line = [*WITH_US, "redis-cli", *where, "--user", user, "--no-auth-warning", *command]
    return subprocess.run(line, env=env, capture_output=True, text=True, timeout=30).stdout.strip()


def test_a_leased_secret_signs_in_to_the_cache_is_renewed_revoked_and_refused(installation, leases):
    env = leases.client_environment()
    made = entrakey("lease", "create", "app", "--ttl", "10m", "-o", "json", env=env)
    assert made.returncode == 0, made.stderr
    lease = json.loads(made.stdout)
    secret, lease_id = lease["data"]["client_secret"], lease["lease_id"]
    assert 590 <= lease["lease_duration"] <= 600 and lease["data"]["secret_ends_at"] == lease["max_expires_at"]

    own = {**installation.env, "ENTRAKEY_CLIENT_SECRET": secret}
    who = ["--identity", "service_principal", "--tenant-id", installation.tenant, "--client-id", APPLICATION]
    token = entrakey("token", *who, env=own)
    assert token.returncode == 0, token.stderr
    assert redis_cli(installation, PRINCIPAL, token.stdout.strip(), "SET", "leased", "yes") == "OK"

    renewed = entrakey("lease", "renew", lease_id, "--ttl", "1h", "-o", "json", env=env)
    assert json.loads(renewed.stdout)["lease_duration"] > 3500, renewed.stderr
    revoked = entrakey("lease", "revoke", lease_id, "-o", "json", env=env)
    assert json.loads(revoked.stdout)["state"] == "revoked", revoked
    refused = entrakey("token", *who, env=own)
    assert refused.returncode == 4 and "AADSTS7000215" in refused.stderr, refused
    assert installation.keys() == {}
    # As docs/leases.md says: what was issued before lives on.
    assert redis_cli(installation, PRINCIPAL, token.stdout.strip(), "GET", "leased") == "yes"

    assert leases.events(lease_id) == ["intent", "created", "active", "renewed", "revoking", "revoked"]
    audit = leases("GET", f"/v1/audit?lease_id={lease_id}")[1]["audit"]
    created = next(row for row in audit if row["event"] == "created")
    assert created["key_id"] == lease["key_id"] and created["request_id"], "Azure's support finds it"
    leases.terminate()
    leases.ended()
    noted = b"".join(path.read_bytes() for path in installation.folder.iterdir() if path.is_file())
    assert lease_id.encode() in noted
    for nowhere in (noted.decode(errors="replace"), json.dumps(leases.said), json.dumps(audit)):
        assert secret not in nowhere and leases.token not in nowhere


def test_access_to_the_cache_lasts_as_long_as_its_lease(installation, leases):
    emulator = installation.emulator
    before = emulator.control("GET", "/emulator/redis/policies").get(ADA)
    emulator.control("DELETE", f"/emulator/redis/policies/{ADA}")
    try:
        token = installation.entra(APPLICATION, grant_type="password", username="ada@emulated.example", password=PASSWORD)[1]
        assert "NOAUTH" in redis_cli(installation, ADA, token["access_token"], "PING")
        lease = leases.create("access", ttl="10m")
        assert lease["data"] == {"object_id": ADA, "cache": CACHE, "access_policy": "default"}
        assert redis_cli(installation, ADA, token["access_token"], "PING") == "PONG"
        second = leases.create("access", expect=409)
        assert second["error"]["code"] == "in_use", "two leases of one object id exclude each other"
        assert leases("POST", f"/v1/leases/{lease['lease_id']}/revoke")[1]["state"] == "revoked"
        assert "NOAUTH" in redis_cli(installation, ADA, token["access_token"], "PING")
        assert ADA not in installation.assignments().values()
        assert leases.events(lease["lease_id"])[-2:] == ["revoking", "revoked"]
    finally:
        emulator.control("PUT", f"/emulator/redis/policies/{ADA}", {"access": before})


PASSWORD = "Emulated-Password-Of-Ada-1"


def test_of_access_it_is_not_said_that_a_credential_was_shown(installation, leases, emulator):
    before = emulator.control("GET", "/emulator/redis/policies").get(ADA)
    emulator.control("DELETE", f"/emulator/redis/policies/{ADA}")
    try:
        said = entrakey("lease", "create", "access", env=leases.client_environment()).stdout
        assert f"object id: {ADA}" in said and "There is no secret" in said and "shown once" not in said, said
        assert leases("DELETE", f"/v1/leases/{said.split()[0]}")[1]["state"] == "revoked"
    finally:
        emulator.control("PUT", f"/emulator/redis/policies/{ADA}", {"access": before})


def test_an_assignment_that_is_not_ours_is_neither_overwritten_nor_deleted(installation, leases):
    before = installation.assignments()
    assert ADA in before.values()
    refused = leases.create("access", expect=409)["error"]
    assert refused["code"] == "foreign_assignment" and "neither changed nor removed" in refused["message"], refused
    assert installation.assignments() == before
    assert leases.lease(refused["lease_id"])["state"] == "failed"


def test_a_users_password_is_one_for_each_lease_and_another_one_afterwards(emulator, tmp_path):
    installation = Installation(emulator, tmp_path, installation="users")
    with Leases(installation, token=installation.token("alice", *EVERYTHING)) as leases:
        lease = leases.create("user", ttl="5m")
        password = lease["data"]["password"]
        assert lease["data"]["user"] == ADA_NAME and lease["data"]["object_id"] == ADA and len(password) == 64
        wait_until("the password is taken", lambda: installation.sign_in_user(password) is None)
        assert leases.create("user", expect=409)["error"]["code"] == "in_use"
        assert leases("DELETE", f"/v1/leases/{lease['lease_id']}")[1]["state"] == "revoked"
        wait_until("the password is refused", lambda: installation.sign_in_user(password) == 50126)
        again = leases.create("user")["data"]["password"]
        assert again != password
        # As it was, for the other tests.
        status, said = installation.azure("https://graph.microsoft.com", "PATCH", f"/v1.0/users/{ADA}", profile(PASSWORD))
        assert status == 204, said
        wait_until("it is as it was", lambda: installation.sign_in_user(PASSWORD) is None)


def profile(password):
    return {"passwordProfile": {"forceChangePasswordNextSignIn": False, "password": password}}


def test_a_lease_ends_by_itself(installation, leases):
    lease = leases.create(ttl=1)
    wait_until("its time is over", lambda: leases.lease(lease["lease_id"])["state"] == "revoked")
    assert leases.events(lease["lease_id"]) == ["intent", "created", "active", "revoking", "revoked"]
    assert leases.lease(lease["lease_id"])["reason"] == "expired" and installation.keys() == {}
    refused = leases("POST", f"/v1/leases/{lease['lease_id']}/renew")
    assert refused[0] == 400 and refused[1]["error"]["code"] == "lease_over"


@pytest.mark.parametrize("way", ["loopback", "unix"])
def test_a_service_that_is_just_being_started_is_waited_for(emulator, tmp_path, way):
    """`entrakey leases serve & entrakey lease list`, as README has it: nobody listens yet when the second one asks. It comes to
    be there at once: a busy machine's needs seconds to start."""
    here = Installation(emulator, tmp_path)
    path, later = tmp_path / "leases.sock", tmp_path / "later.sock"
    with Leases(here, "--socket", path, token=here.token("here", "list", "issue")) as leases, socket.socket() as front:
        front.bind(("127.0.0.1", 0))  # until it listens, whoever connects is refused
        where = {"loopback": ["--url", f"http://127.0.0.1:{front.getsockname()[1]}"], "unix": ["--socket", str(later)]}[way]
        asks = [*WITH_US, os.environ["ENTRAKEY_BIN"], "lease", "list", "-o", "json", *where]
        env = {**here.env, "ENTRAKEY_LEASES_TOKEN": leases.token}
        with subprocess.Popen(asks, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as client:
            wait_until("it has asked", lambda: _waits(client))
            later.symlink_to(path)
            front.listen()
            if way == "loopback":
                hand_on(front, leases.port)
            said, complaint = client.communicate(timeout=PATIENCE_S)
    assert client.returncode == 0 and json.loads(said)["leases"] == [], complaint


def hand_on(front, port):
    """One question to another port, and its answer."""
    with front.accept()[0] as client, socket.create_connection(("127.0.0.1", port), PATIENCE_S) as service:
        question, answer = client.recv(65536), b""
        service.sendall(question.replace(b":%d\r\n" % front.getsockname()[1], b":%d\r\n" % port))
        while not answer.endswith(b"}"):
            answer += service.recv(65536)
        client.sendall(answer)


def _waits(process):
    """Whether it sleeps between two attempts."""
    return "nanosleep" in pathlib.Path(f"/proc/{process.pid}/wchan").read_text()


def test_what_nobody_waits_for_is_taken_back(installation, leases):
    emulator = installation.emulator
    emulator.control("PUT", "/emulator/graph/settings", {"secret_delay_ms": 5000})
    asks = [*WITH_US, os.environ["ENTRAKEY_BIN"], "lease", "create", "app"]
    try:
        with subprocess.Popen(asks, env=leases.client_environment()) as client:
            wait_until("Azure has made it", lambda: [one["state"] for one in leases.all()] == ["created"])
            client.kill()
        wait_until("it is taken back", lambda: [one["state"] for one in leases.all()] == ["revoked"])
        lease = leases.all()[0]
        assert lease["reason"] == "undelivered" and installation.keys() == {}
    finally:
        emulator.control("PUT", "/emulator/graph/settings", {"secret_delay_ms": 500})


def test_a_key_outlives_no_maximum_even_if_the_service_never_returns(tmp_path):
    """By a clock that the test moves: however long the machine takes, the key is good before its end."""
    with Emulator.start(secret_delay="500ms") as emulator:
        installation = Installation(emulator, tmp_path, installation="gone", max_ttl="5m", default_ttl="5m")
        with Leases(installation, token=installation.token("alice", "issue")) as leases:
            lease = leases.create(ttl="5m")
            secret = lease["data"]["client_secret"]
            leases.kill()
        assert installation.sign_in(secret) is None
        emulator.control("POST", "/emulator/clock", {"advance_ms": 300_000})
        assert installation.sign_in(secret) == 7000222, "Entra has ended it"
        assert len(installation.keys()) == 1, "nobody has removed it"
        with Leases(installation, token=installation.token("bob", *EVERYTHING)) as leases:
            wait_until("it is removed", lambda: leases.lease(lease["lease_id"])["state"] == "revoked")
        assert installation.keys() == {}


def test_azures_refusals_say_what_to_do(installation, leases):
    emulator = installation.emulator
    throttled = {"status": 429, "headers": {"Retry-After": "7"}}
    emulator.control("POST", "/emulator/faults", {"route": "graph", "answers": [throttled]})
    assert leases.create(expect=503)["error"]["code"] == "throttled"
    assert leases.headers["Retry-After"] == "7"
    # An answer that is lost after the secret was made: it is found by its name and removed.
    emulator.control("POST", "/emulator/faults", {"route": "graph", "answers": [{"truncate": 5}]})
    lost = leases.create(expect=503)["error"]
    wait_until("it is found and removed", lambda: leases.lease(lost["lease_id"])["state"] == "revoked")
    assert leases.events(lost["lease_id"]) == ["intent", "unanswered", "revoking", "revoked"] and installation.keys() == {}
    emulator.control("PUT", "/emulator/graph/settings", {"max_lifetime_seconds": 60})
    try:
        assert "shorten max-ttl" in leases.create(expect=503)["error"]["message"]
    finally:
        emulator.control("PUT", "/emulator/graph/settings", {"secret_delay_ms": 500})


def test_a_credential_that_cannot_be_shown_is_taken_back(installation, leases):
    env = leases.client_environment()
    with open("/dev/full", "w") as full:
        lost = entrakey("lease", "create", "app", "-o", "env", env=env, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    gone, nobody = os.pipe()
    os.close(gone)
    with os.fdopen(nobody, "w") as pipe:
        unread = entrakey("lease", "create", "app", env=env, capture_output=False, stdout=pipe, stderr=subprocess.PIPE)
    for ended in (lost, unread):
        assert ended.returncode == 1 and "is revoked again" in ended.stderr, ended
    assert installation.keys() == {}
    assert {lease["state"] for lease in leases.all()} == {"revoked"} and len(leases.all()) == 2


def test_what_no_lease_knows_is_reaped_once_it_is_old(emulator, tmp_path):
    (tmp_path / "a").mkdir()
    installation = Installation(emulator, tmp_path / "a", installation="reaped")
    for name in ("entrakey/reaped/lost", "entrakey/other/kept"):
        path = f"/v1.0/applications(appId='{APPLICATION}')/addPassword"
        start = {"displayName": name, "startDateTime": "2026-01-01T00:00:00Z", "endDateTime": "2099-01-01T00:00:00Z"}
        status, said = installation.azure("https://graph.microsoft.com", "POST", path, {"passwordCredential": start})
        assert status == 200, said
    young = installation.azure("https://graph.microsoft.com", "POST", path, {"passwordCredential": {"displayName": "entrakey/reaped/young"}})
    assert young[0] == 200
    reap = ("leases", "reap", "--config-file", installation.config)
    lost = entrakey(*reap, env=installation.env)
    assert lost.returncode == 2 and "every lease would count as unknown" in lost.stderr, "a path that is wrong reaps nothing"
    assert not installation.database.exists()
    installation.token("alice", "list")  # makes one
    named = installation.config.read_text()
    installation.config.write_text(named.replace('installation = "reaped"\n', ""))
    nameless = entrakey(*reap, env=installation.env)
    assert nameless.returncode == 2 and 'write installation = "default"' in nameless.stderr, nameless
    installation.config.write_text(named)
    assert "entrakey/reaped/lost" in (said := installation.order("leases", "reap", "--dry-run")) and "would be removed" in said
    assert "young" not in said and "kept" not in said
    assert set(installation.keys()) == {"entrakey/reaped/lost", "entrakey/reaped/young"}
    assert "removed" in installation.order("leases", "reap")
    assert set(installation.keys()) == {"entrakey/reaped/young"}
    other = Installation(emulator, tmp_path, installation="other")
    assert set(other.keys()) == {"entrakey/other/kept"}


def test_a_database_that_is_none_is_not_shown(installation):
    for wrong in ("Postgresql://leases:hush@db.example/leases", "host=db.example user=leases password=hush"):
        ended = entrakey("leases", "token", "list", "--database", wrong, env=installation.env, cwd=installation.folder)
        assert ended.returncode == 2 and "hush" not in ended.stdout + ended.stderr, ended
        assert not [path for path in installation.folder.iterdir() if "hush" in path.name]


def test_a_check_finds_what_azure_does_not_know(installation):
    good = entrakey("leases", "check", "--config-file", installation.config, env=installation.env)
    assert good.returncode == 0 and good.stdout.count("Azure knows it") == 3, good
    text = installation.config.read_text()
    installation.config.write_text(text.replace(APPLICATION, "00000000-0000-4000-8000-000000000000"))
    bad = entrakey("leases", "check", "--config-file", installation.config, env=installation.env)
    assert bad.returncode == 1 and "app: wrong:" in bad.stdout and "application" in bad.stdout, bad
    users = entrakey("leases", "users", "user", "--config-file", installation.config, env=installation.env)
    assert users.returncode == 0 and f"{ADA}\tada@emulated.example" in users.stdout, users
    assert MANAGER_PRINCIPAL not in users.stdout and os.environ.get("ENTRAKEY_BIN")


def test_a_shell_that_has_a_lease_runs_the_service_as_the_file_says(installation):
    """`eval "$(entrakey lease create ... -o env)"` sets Azure's variables, which a managed identity does not read."""
    text = installation.config.read_text().split("[entrakey]")[0]
    of_file = f'[entrakey]\nidentity = "managed_identity"\ntenant_id = "{installation.tenant}"\n'
    of_file += f'client_id = "{installation.emulator["ENTRAKEY_EMULATOR_LEASE_MANAGER_CLIENT_ID"]}"\n'
    secret = f'[secrets.app]\nkind = "application_password"\napplication-id = "{APPLICATION}"\n'
    file = installation.folder / "managed.toml"
    file.write_text(text + of_file + secret)
    leased = {"AZURE_TENANT_ID": installation.tenant, "AZURE_CLIENT_ID": APPLICATION, "AZURE_CLIENT_SECRET": "leased"}
    checked = entrakey("leases", "check", "--config-file", file, env={**installation.env, **leased})
    assert checked.returncode == 0 and "app: Azure knows it" in checked.stdout, checked


def test_what_azure_refuses_again_and_again_is_noted_once(emulator, tmp_path):
    """Each answer has another id: the audit trail, which is kept for ever, does not grow by that."""
    installation = Installation(emulator, tmp_path, installation="refused")
    grant = emulator.control("GET", "/emulator/graph/grants")[MANAGER_PRINCIPAL]
    with Leases(installation, token=installation.token("alice", *EVERYTHING)) as leases:
        lease = leases.create(ttl="10m")["lease_id"]
        emulator.control("PUT", f"/emulator/graph/grants/{MANAGER_PRINCIPAL}", {})
        try:
            leases("POST", f"/v1/leases/{lease}/revoke")
            with contextlib.closing(sqlite3.connect(installation.database, timeout=PATIENCE_S)) as database:
                attempts = lambda: database.execute("SELECT attempts FROM leases").fetchone()[0]  # noqa: E731
                wait_until("it was tried again", lambda: attempts() >= 3)
            assert leases.events(lease)[3:] == ["revoking", "revoke_failed"]
        finally:
            emulator.control("PUT", f"/emulator/graph/grants/{MANAGER_PRINCIPAL}", grant)
        wait_until("it is over", lambda: leases.lease(lease)["state"] == "revoked")
