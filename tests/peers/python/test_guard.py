"""The guard that the other tests rely on. 192.0.2.1 is an address for documentation, nobody's."""

import asyncio
import socket
import subprocess
import sys

import guard
import pytest

OUTSIDE = ("192.0.2.1", 80)


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: socket.create_connection(OUTSIDE, timeout=1),
        lambda: socket.socket().connect(OUTSIDE),
        lambda: socket.socket().connect_ex(OUTSIDE),
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"?", OUTSIDE),
        lambda: socket.socket(socket.AF_INET6).connect(("2001:db8::1", 80)),
        lambda: socket.getaddrinfo("entra.invalid", 443),
        lambda: asyncio.run(asyncio.open_connection(*OUTSIDE)),
    ],
)
def test_what_would_leave_loopback_is_refused_and_remembered(attempt):
    with pytest.raises(guard.LeavesLoopback):
        attempt()
    assert len(guard.refused) == 1
    guard.refused.clear()


def test_a_library_under_test_meets_it():
    import requests

    with pytest.raises(requests.ConnectionError):
        requests.get("http://192.0.2.1/", timeout=1)
    assert set(guard.refused) == {"192.0.2.1"}
    guard.refused.clear()


def test_loopback_is_not_refused():
    with socket.create_server(("127.0.0.1", 0)) as server:
        for host in ("127.0.0.1", "localhost"):
            socket.create_connection((host, server.getsockname()[1]), timeout=5).close()


def test_a_test_that_hides_an_attempt_fails(tmp_path):
    """The fixture of conftest.py, in a run of its own."""
    here = guard.__file__.rpartition("/")[0]
    for name in ("conftest.py", "guard.py"):
        (tmp_path / name).write_text(open(f"{here}/{name}").read().replace("parents[3]", "parents[0]"))
    (tmp_path / "test_hiding.py").write_text(
        "import socket\n"
        "def test_hiding():\n"
        "    try: socket.create_connection(('192.0.2.1', 80))\n"
        "    except OSError: pass\n"
    )
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", tmp_path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "192.0.2.1" in done.stdout, done.stdout + done.stderr
