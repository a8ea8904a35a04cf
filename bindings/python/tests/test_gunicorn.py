"""A real pre-forking server, which makes the provider before it forks or after."""

import contextlib
import http.client
import signal
import socket
import subprocess
import sys
import time

import pytest

WORKERS = 3
APPLICATION = """
import os, entrakey

provider = entrakey.Provider.managed_identity()
provider.get_token()

def application(environ, start_response):
    token = provider.get_token()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{os.getpid()} {token.version}".encode()]
"""


class Connection(http.client.HTTPConnection):
    """To a server on a Unix socket."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self.host)


def ask(path):
    """Process and version; none while the server is not there yet."""
    connection = Connection(str(path))
    try:
        connection.request("GET", "http://localhost/")
        process, version = connection.getresponse().read().split()
        return int(process), int(version)
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


@contextlib.contextmanager
def serving(folder, *options):
    """versions(): which processes have answered so far, each with the version of its token."""
    (folder / "web.py").write_text(APPLICATION)
    path, seen = folder / "web.sock", {}
    command = [sys.executable, "-m", "gunicorn", "web:application", "--workers", str(WORKERS), "--bind", f"unix:{path}"]
    server = subprocess.Popen([*command, *options], cwd=folder, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60

    def versions():
        assert time.monotonic() < deadline and server.poll() is None, seen
        time.sleep(0.01)
        if answer := ask(path):
            seen.update([answer])
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
