"""A real pre-forking server, which makes the provider before it forks or after."""

import concurrent.futures
import contextlib
import http.client
import signal
import socket
import subprocess
import sys
import time

import pytest

WORKERS = 3
CALLERS = 6
ROTATIONS = 10
APPLICATION = """
import os, entrakey

provider = entrakey.Provider.managed_identity()
provider.get_token()

def application(environ, start_response):
    token = provider.get_token()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{os.getpid()} {token.version}".encode()]
"""

# gevent's rule: before anything else is imported. gunicorn patches in its workers, which is after a preloaded application.
PATCHED = "import gevent.monkey; gevent.monkey.patch_all()"
SERVICE = """
import os, redis, entrakey, entrakey.redis

provider = entrakey.Provider.managed_identity()
client = redis.Redis(
    host=os.environ["REDIS_HOST"], port=int(os.environ["REDIS_PORT"]), ssl=True, ssl_ca_certs=os.environ["REDIS_CA_FILE"],
    credential_provider=entrakey.redis.CredentialProvider(provider))
client.ping()

def application(environ, start_response):
    client.incr("requests")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{os.getpid()} {provider.version}".encode()]
"""


class Connection(http.client.HTTPConnection):
    """To a server on a Unix socket."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self.host)


def ask(path):
    """The process that answers, and its token's version."""
    connection = Connection(str(path))
    try:
        connection.request("GET", "http://localhost/")
        process, version = connection.getresponse().read().split()
        return int(process), int(version)
    finally:
        connection.close()


@contextlib.contextmanager
def serving(folder, *options, application=APPLICATION):
    """versions(): which processes have answered so far, each with the version of its token."""
    (folder / "web.py").write_text(application)
    path, seen = folder / "web.sock", {}
    command = [sys.executable, "-m", "gunicorn", "web:application", "--workers", str(WORKERS), "--bind", f"unix:{path}"]
    server = subprocess.Popen([*command, *options], cwd=folder, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 100

    def versions(starting=True):
        assert time.monotonic() < deadline and server.poll() is None, seen
        time.sleep(0.01)
        try:
            seen.update([ask(path)])
        except (OSError, http.client.HTTPException, ValueError):
            if not starting:  # else the server is not there yet
                raise
        return seen

    try:
        yield versions
    finally:
        server.send_signal(signal.SIGTERM)
        _, said = server.communicate(timeout=20)
    assert server.returncode == 0 and "Traceback" not in said, said


@pytest.mark.parametrize(("options", "requests"), [(["--preload"], 1), ([], WORKERS)], ids=["preloaded", "not preloaded"])
def test_workers_start_from_what_was_there_before_the_fork(start_emulator, tmp_path, options, requests):
    emulator = start_emulator("1h")
    with serving(tmp_path, *options) as versions:
        while len(versions()) < WORKERS:
            pass
    assert emulator.token_requests() == requests


@pytest.mark.parametrize("options", [["--preload"], []], ids=["preloaded", "not preloaded"])
def test_each_worker_refreshes_by_itself(start_emulator, tmp_path, options):
    start_emulator("4s")
    with serving(tmp_path, *options) as versions:
        while len(versions()) < WORKERS or min(versions().values()) < 3:
            pass


@pytest.mark.xdist_group("the processors")
@pytest.mark.parametrize(
    ("options", "configuration"),
    [(["--preload"], PATCHED), ([], "")],
    ids=["preloaded", "not preloaded"],
)
def test_gevents_workers_lose_no_request_in_ten_rotations(start_emulator, tmp_path, options, configuration):
    emulator = start_emulator("6s")
    (tmp_path / "gunicorn.conf.py").write_text(configuration)
    with serving(tmp_path, "--worker-class", "gevent", *options, application=SERVICE) as versions:
        while len(versions()) < WORKERS:
            pass

        def call():
            while min(versions(starting=False).values()) <= ROTATIONS:
                time.sleep(0.1)  # the tests beside this one need the processors too

        with concurrent.futures.ThreadPoolExecutor(CALLERS) as callers:
            for called in [callers.submit(call) for _ in range(CALLERS)]:
                called.result()
        assert len(versions()) == WORKERS, "a worker died and was replaced"
        redis = emulator.connections(emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"])
    assert redis["expired"] == 0, redis
    # One connection of each worker's at least lived through all of it. (The parent's, of a preloaded app, too.)
    assert redis["auths"] - redis["connections"] >= (ROTATIONS - 1) * WORKERS, redis
    assert redis["connections"] <= (CALLERS + 1) * WORKERS + 1, redis
