"""`entrakey emulator` as typed."""

import contextlib
import pathlib
import re
import signal
import socket
import subprocess

from conftest import line_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = [ROOT / "target/debug/entrakey", "emulator"]


@contextlib.contextmanager
def start(*options):
    """Unlike with Popen alone, a check that fails inside leaves no emulator for which somebody waits."""
    with subprocess.Popen([*COMMAND, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def refusal(*options):
    """How it ends, and what it says, when it cannot start."""
    done = subprocess.run([*COMMAND, *options], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    return done.returncode, done.stderr


def test_it_prints_exports_that_a_shell_takes_and_removes_its_certificate_at_the_end():
    with start("--quiet") as process:
        line = ""
        while not line.startswith("export ENTRAKEY_CA_FILE="):
            line = line_of(process)
            assert re.fullmatch(r"export [A-Z_]+='[^']*'\n", line), line
        certificate = pathlib.Path(line.split("'")[1])
        assert certificate.read_text().startswith("-----BEGIN CERTIFICATE-----")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert not certificate.exists()


def test_it_ends_with_its_parent_if_asked_to():
    with start("--exit-with-parent", "--quiet") as process:
        assert line_of(process).startswith("export ")
        process.stdin.close()
        assert process.wait(10) == 0


def test_a_taken_port_and_a_bad_lifetime_are_one_sentence_each():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, said = refusal("--redis-port", str(taken.getsockname()[1]))
        assert code == 2 and "--redis-port" in said and said.count("\n") == 1, said
    code, said = refusal("--token-lifetime", "0")
    assert code == 2 and "at least" in said
