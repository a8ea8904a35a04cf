"""The `entrakey` command as a user types it, in pipes and in a terminal."""

import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import time

import pytest

from entrakey.emulator import Emulator

# A shell that starts this in the background has Ctrl-C ignored, and nohup SIGHUP; children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.setdefault("ENTRAKEY_BIN", str(ROOT / "target/debug/entrakey"))
PATIENCE_S = 60  # a busy machine; each wait ends as soon as what it waits for is there
# What ends with this process, whatever becomes of that.
WITH_US = ("setpriv", "--pdeathsig", "KILL")


def run(*arguments, env, **more):
    """Its end: returncode, stdout, stderr. Standard input is empty unless `input` says otherwise."""
    given = {"stdin": subprocess.DEVNULL} if "input" not in more else {}
    command = [*WITH_US, BINARY, *map(str, arguments)]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE_S, **given, **more)


class Terminal:
    """A command with a terminal of its own, in the foreground of it. Killed at the end."""

    def __init__(self, *command, env):
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            try:
                os.execvpe(str(command[0]), [str(word) for word in command], env)
            finally:
                os._exit(111)
        self.said, self._read = "", 0

    def type(self, text):
        os.write(self._terminal, text.encode())

    def wait_for(self, pattern):
        """The next place where it says that."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            if found := re.compile(pattern).search(self.said, self._read):
                self._read = found.end()
                return found
            ready = select.select([self._terminal], [], [], max(deadline - time.monotonic(), 0))[0]
            assert ready, f"not said in time: {pattern!r}, but {self.said[self._read :]!r}"
            assert self._more(), f"ended without {pattern!r}: {self.said[self._read :]!r}"

    def _more(self):
        try:
            data = os.read(self._terminal, 65536)
        except OSError:  # nobody has the other end any more
            return False
        self.said += data.decode(errors="replace")
        return bool(data)

    def ended(self):
        """Waits for its end: its exit code."""
        while select.select([self._terminal], [], [], PATIENCE_S)[0] and self._more():
            pass
        _, status = os.waitpid(self.pid, 0)
        self.pid = None
        return os.waitstatus_to_exitcode(status)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.pid is not None:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
        os.close(self._terminal)


@pytest.fixture(scope="session")
def emulator():
    with Emulator.start() as running:
        yield running


@pytest.fixture
def host(emulator):
    return f"{emulator['REDIS_HOST']}:{emulator['REDIS_PORT']}"


@pytest.fixture
def env(emulator):
    """Of a virtual machine with an identity."""
    return emulator.process_environment(ENTRAKEY_IDENTITY="managed_identity")


@pytest.fixture
def secret_env(emulator):
    """Of an application with a secret."""
    return emulator.process_environment("client_secret", ENTRAKEY_IDENTITY="service_principal")


@pytest.fixture
def faults(emulator):
    """Scripts answers of a route; those that are left are taken back."""

    def add(route, *answers):
        emulator.control("POST", "/emulator/faults", {"route": route, "answers": list(answers)})

    yield add
    emulator.control("DELETE", "/emulator/faults")
