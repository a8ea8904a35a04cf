"""`entrakey emulator` as typed."""

import pathlib
import re
import signal
import socket
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = [ROOT / "target/debug/entrakey", "emulator"]


def start(*options):
    return subprocess.Popen(
        [*COMMAND, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_it_prints_exports_that_a_shell_takes_and_removes_its_certificate_at_the_end():
    with start() as process:
        line = ""
        while not line.startswith("export ENTRAKEY_CA_FILE="):
            line = process.stdout.readline()
            assert re.fullmatch(r"export [A-Z_]+='[^']*'\n", line), line
        certificate = pathlib.Path(line.split("'")[1])
        assert certificate.read_text().startswith("-----BEGIN CERTIFICATE-----")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert not certificate.exists()


def test_it_ends_with_its_parent_if_asked_to():
    with start("--exit-with-parent", "--quiet") as process:
        assert process.stdout.readline().startswith("export ")
        process.stdin.close()
        assert process.wait(10) == 0


def test_a_taken_port_and_a_bad_lifetime_are_one_sentence_each():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with start("--redis-port", str(taken.getsockname()[1])) as process:
            said = process.stderr.read()
            assert process.wait(10) == 2 and "--redis-port" in said and said.count("\n") == 1, said
    with start("--token-lifetime", "0") as process:
        assert process.wait(10) == 2 and "at least" in process.stderr.read()
