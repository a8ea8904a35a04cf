"""kill -9 at every step, on SQLite and on PostgreSQL, all at once: the next process takes back whatever the last one left."""

import concurrent.futures
import http.client
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

import pytest
from ports import free_port
from running import PATIENCE_S, WITH_US, wait_until
from services import ADA, Installation, Leases, asked, entrakey

from entrakey.emulator import Emulator

EVERYTHING = ("issue", "renew-own", "revoke", "list")
# While it is made, and while it is revoked. The second number says how much is left at Azure when the process is gone.
MAKING = {
    "before_intent": 0, "after_intent": 0, "after_azure": 1, "after_created": 1, "before_active": 1, "after_active": 1,
}
REVOKING = {"revoking": 1, "before_removal": 1, "after_removal": 0, "after_revoked": 0}


@pytest.fixture(scope="module")
def azure():
    """One for all; nobody else changes it."""
    with Emulator.start(secret_delay="500ms") as emulator:
        yield emulator


def ask_until_it_dies(leases, method, path, body=None, **headers):
    """The process ends in the middle of it."""
    connection = http.client.HTTPConnection("127.0.0.1", leases.port, timeout=PATIENCE_S)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        asked(connection, method, path, body, Authorization=f"Bearer {leases.token}", **headers)
    assert leases.process.wait(PATIENCE_S) == -signal.SIGKILL


def everything_is_taken_back(installation, token, point, ttl):
    """A process that is not killed, until nothing is left to do."""
    with Leases(installation, token=token) as leases:
        wait_until(f"{point}: it is over", lambda: all(one["state"] in ("revoked", "failed") for one in leases.all()))
        for lease in leases.all():
            events = leases.events(lease["lease_id"])
            assert events[0] == "intent" and events[-1] == lease["state"], (point, events)
            if lease["reason"] == "expired":
                assert ttl == "2s", (point, lease)
        known = leases.all()
        if known:
            again = leases.create("app", expect=409, key="once")["error"]
            assert again["code"] == "idempotency_key_used", again
        assert all(credential not in json.dumps(leases.all_said()) for credential in ("client_secret", "password"))
        return known


def killed_while_it_is_made(azure, folder, point, left):
    installation = Installation(azure, folder, installation=point.replace("_", "-"))
    token = installation.token("alice", *EVERYTHING)
    with Leases(installation, token=token, ENTRAKEY_TEST_KILL_AT=point) as leases:
        # What was delivered for all that the service knows lives until its time is over.
        ask_until_it_dies(leases, "POST", "/v1/leases", {"secret": "app", "ttl": "2s"}, Idempotency_Key="once")
    assert len(installation.keys()) == left, point
    known = everything_is_taken_back(installation, token, point, "2s")
    assert installation.keys() == {} and len(known) == (point != "before_intent"), (point, known)


def killed_while_it_is_revoked(azure, folder, point, left):
    installation = Installation(azure, folder, installation=point.replace("_", "-"))
    token = installation.token("alice", *EVERYTHING)
    with Leases(installation, token=token, ENTRAKEY_TEST_KILL_AT=point) as leases:
        lease = leases.create(key="once")
        ask_until_it_dies(leases, "DELETE", f"/v1/leases/{lease['lease_id']}")
    assert len(installation.keys()) == left, point
    known = everything_is_taken_back(installation, token, point, "1h")
    assert installation.keys() == {} and installation.sign_in(lease["data"]["client_secret"]) == 7000215, point
    assert [one["state"] for one in known] == ["revoked"], point


def test_nothing_is_left_wherever_the_process_is_killed(azure, tmp_path):
    with concurrent.futures.ThreadPoolExecutor(len(MAKING) + len(REVOKING)) as all_at_once:
        running = []
        for killed, points in ((killed_while_it_is_made, MAKING), (killed_while_it_is_revoked, REVOKING)):
            for point, left in points.items():
                (folder := tmp_path / point).mkdir()
                running.append(all_at_once.submit(killed, azure, folder, point, left))
        for one in running:
            one.result()


def test_access_and_passwords_are_taken_back_from_the_next_start_on(tmp_path):
    with Emulator.start(secret_delay="100ms") as azure:
        azure.control("DELETE", f"/emulator/redis/policies/{ADA}")
        for point in ("after_intent", "after_azure", "after_created", "before_removal"):
            (folder := tmp_path / point).mkdir()
            installation = Installation(azure, folder, installation=point.replace("_", "-"))
            token = installation.token("alice", *EVERYTHING)
            with Leases(installation, token=token, ENTRAKEY_TEST_KILL_AT=point) as leases:
                if point == "before_removal":
                    lease = leases.create("access")
                    ask_until_it_dies(leases, "DELETE", f"/v1/leases/{lease['lease_id']}")
                else:
                    ask_until_it_dies(leases, "POST", "/v1/leases", {"secret": "access"})
            assert (ADA in installation.assignments().values()) == (point != "after_intent"), point
            with Leases(installation, token=token) as leases:
                wait_until(point, lambda: all(one["state"] in ("revoked", "failed") for one in leases.all()))
            assert ADA not in installation.assignments().values(), point

        installation = Installation(azure, tmp_path, installation="user")
        token = installation.token("alice", *EVERYTHING)
        old = "Emulated-Password-Of-Ada-1"
        assert installation.sign_in_user(old) is None
        with Leases(installation, token=token, ENTRAKEY_TEST_KILL_AT="after_intent") as leases:
            ask_until_it_dies(leases, "POST", "/v1/leases", {"secret": "user"})
        assert installation.sign_in_user(old) is None, "Graph was not asked yet"
        with Leases(installation, token=token) as leases:
            wait_until("it is taken back", lambda: [one["state"] for one in leases.all()] == ["revoked"])
            lease = leases.all()[0]
            assert lease["reason"] == "undelivered"
        # Whether Graph was asked nobody knows: the password is another one in any case.
        wait_until("it is another one", lambda: installation.sign_in_user(old) == 50126)


class Postgres:
    """A server of the test's own; it refuses root."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="entrakey-pg-"))
        as_user = []
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
            as_user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
            assert pwd.getpwnam("postgres")
        programs = next(iter(sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
        program = lambda name: str(programs / name) if programs else name  # noqa: E731
        made = [*as_user, program("initdb"), "-N", "-A", "trust", "-U", "leases", "-D", str(self.folder / "data")]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
        self.certificate, key = self.folder / "tls.crt", self.folder / "tls.key"
        cert = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"]
        made = [*as_user, *cert, *name, "-keyout", str(key), "-out", str(self.certificate)]
        subprocess.run(made, check=True, capture_output=True)
        port = free_port()
        settings = [f"port={port}", "listen_addresses=localhost", "fsync=off", "ssl=on"]
        settings += [f"ssl_cert_file={self.certificate}", f"ssl_key_file={key}"]
        run = [program("postgres"), "-D", self.folder / "data", "-k", self.folder]
        run += [word for setting in settings for word in ("-c", setting)]
        self.process = subprocess.Popen([*WITH_US, *as_user, *map(str, run)], stderr=subprocess.DEVNULL)
        self.port = port
        self.url = f"postgresql://leases@{str(self.folder).replace('/', '%2F')}:{port}/postgres"
        self.url_of_tls = f"postgresql://leases@localhost:{port}/postgres?sslmode=require"
        wait_until("PostgreSQL is there", lambda: self.query("SELECT 1") == "1")

    def query(self, sql):
        line = ["psql", "-U", "leases", "-d", "postgres", "-h", str(self.folder), "-p", str(self.port), "-Atc", sql]
        return subprocess.run(line, capture_output=True, text=True).stdout.strip()

    def close(self):
        self.process.kill()
        self.process.wait(PATIENCE_S)
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def postgres():
    server = Postgres()
    yield server
    server.close()


def test_of_two_replicas_one_goes_on_with_what_the_other_has_left(azure, tmp_path, postgres):
    installations = []
    # One comes by the Unix socket, the other one by TCP with TLS.
    for name, database in (("one", postgres.url), ("other", postgres.url_of_tls)):
        (tmp_path / name).mkdir()
        installations.append(Installation(azure, tmp_path / name, installation="replicas", database=database))
    one, other = installations
    token = one.token("alice", *EVERYTHING)
    (bundle := tmp_path / "ca.pem").write_bytes(
        pathlib.Path(azure["REDIS_CA_FILE"]).read_bytes() + postgres.certificate.read_bytes()
    )
    # Without that its certificate is nobody's.
    stranger = entrakey("leases", "token", "list", "--config-file", other.config, env=other.env)
    assert stranger.returncode == 1 and "PostgreSQL" in stranger.stderr and "ertificate" in stranger.stderr, stranger
    other.env |= {"ENTRAKEY_CA_FILE": str(bundle)}
    # What a replica has begun is another's after three minutes; here after three seconds.
    quick = {"ENTRAKEY_TEST_CLAIM_MS": "3000"}
    with (
        Leases(one, token=token, ENTRAKEY_TEST_KILL_AT="after_azure", **quick) as dying,
        Leases(other, token=token, **quick) as heir,
    ):
        living = heir.create(ttl="1h")
        seen = {lease["lease_id"] for lease in dying.all()}
        assert seen == {living["lease_id"]}, "both know it"
        ask_until_it_dies(dying, "POST", "/v1/leases", {"secret": "app"})
        assert len(one.keys()) == 2
        wait_until("the other one takes it back", lambda: len(one.keys()) == 1)
        lost = next(lease for lease in heir.all() if lease["lease_id"] != living["lease_id"])
        wait_until("and says so", lambda: heir.lease(lost["lease_id"])["state"] == "revoked")
        assert heir.events(lost["lease_id"]) == ["intent", "revoking", "revoked"]
        assert heir.lease(living["lease_id"])["state"] == "active"
    # What both could do is done once. (By replicas that leave each other the time that a busy machine takes.)
    with (
        Leases(one, token=token) as back,
        Leases(other, token=token) as heir,
        concurrent.futures.ThreadPoolExecutor(8) as all_at_once,
    ):
        made = list(all_at_once.map(lambda at: (back, heir)[at % 2].create(ttl="1s")["lease_id"], range(8)))
        wait_until("all have ended", lambda: all(heir.lease(lease)["state"] == "revoked" for lease in made))
        for lease in made:
            assert heir.events(lease) == ["intent", "created", "active", "revoking", "revoked"], lease
        heir("DELETE", f"/v1/leases/{living['lease_id']}")
    assert one.keys() == {}
    dump = postgres.query("SELECT * FROM leases") + postgres.query("SELECT * FROM audit") + postgres.query("SELECT * FROM tokens")
    assert living["lease_id"] in dump and living["data"]["client_secret"] not in dump and token not in dump
