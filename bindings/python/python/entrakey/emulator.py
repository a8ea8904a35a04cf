"""Azure on loopback, for tests: Entra, the managed identity endpoints and a Redis that checks tokens.

    from entrakey.emulator import Emulator

    with Emulator.start(token_lifetime="5s") as emulator, emulator.use("app_service"):
        ...  # whatever looks for a managed identity in this process finds App Service's

It runs the ``entrakey`` command, found by ``ENTRAKEY_BIN``, on ``PATH``, or
where ``pip install entrakey-cli`` has put it for this Python. With pytest, see ``entrakey.pytest_plugin``.
"""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import pathlib
import shutil
import site
import subprocess
import sysconfig
import tempfile
import threading
import urllib.error
import urllib.request
from typing import Any, Iterator

__all__ = ["Emulator", "EmulatorError"]

_START_S = 20  # the emulator starts in a tenth of a second; on a busy machine it takes longer
_STOP_S = 10
_REQUEST_S = 10

# A program under test must not see the identities, proxies and certificates that a developer's own shell sets.
_LINES = pathlib.Path(__file__).with_name("foreign-variables.txt").read_text("utf-8").splitlines()
_FOREIGN = [line for line in _LINES if not line.startswith("#")]
_KEPT = "ENTRAKEY_BIN"
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class EmulatorError(Exception):
    """The emulator did not start, or refused what it was asked; says why."""


class Emulator:
    """A running emulator. Made by :meth:`start`; ends with :meth:`close`, and at the latest with this process.

    Its methods may be called from any thread and block for as long as a request on loopback takes.
    """

    def __init__(self, process: subprocess.Popen[bytes], environment: dict[str, str]) -> None:
        self._process = process
        self._environments = {"default": environment}

    @classmethod
    def start(cls, *, token_lifetime: str = "1h", verbose: bool = False, **options: Any) -> Emulator:
        """Starts ``entrakey emulator`` on free ports and waits until it answers.

        ``token_lifetime`` is ``"5s"``, ``"10m"`` and so on. Any other option of the command has its own name, with
        underscores: ``identities="people.toml"``, ``redis_port=10000``; ``True`` stands for an option without a
        value. ``verbose`` lets it say what happens, on this process's standard error. Raises :class:`EmulatorError`.
        """
        command = [_command(), "emulator", "--format=json", "--exit-with-parent"]
        command += _arguments({"token_lifetime": token_lifetime, "quiet": not verbose, **options})
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None if verbose else said
            )
            try:
                line = _first_line(process)
                if line:
                    return cls(process, json.loads(line))
                process.wait(_STOP_S)
                said.seek(0)
                why = said.read().decode(errors="replace").strip() or f"nothing was said within {_START_S} s"
                raise EmulatorError(f"`{' '.join(command)}` did not start: {why}")
            except BaseException:
                process.kill()
                process.communicate()
                raise

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point a program at it: a virtual machine's, and an application's with a secret."""
        return self.env()

    def env(self, name: str = "default") -> dict[str, str]:
        """The variables of one environment: ``imds``, ``app_service``, ``workload_identity``, …

        ``entrakey emulator --help`` lists them. The first question for one that needs a key waits until the emulator
        has made it, some tenths of a second. Raises :class:`EmulatorError` if there is none of that name.
        """
        if name not in self._environments:
            self._environments[name] = self.control("GET", f"/emulator/environment/{name}")
        return dict(self._environments[name])

    def __getitem__(self, variable: str) -> str:
        """A variable of :attr:`environment`."""
        return self._environments["default"][variable]

    def process_environment(self, name: str = "default", **more: str) -> dict[str, str]:
        """For ``subprocess.run(…, env=…)``: this process's environment, as it would be there.

        What configures Azure's tools, proxies and certificates in the present shell is taken away; ``more`` comes
        on top.
        """
        own = {key: value for key, value in os.environ.items() if not _foreign(key)}
        return {**own, "NO_PROXY": "127.0.0.1,localhost", **self.env(name), **more}

    @contextlib.contextmanager
    def use(self, name: str = "default", **more: str) -> Iterator[Emulator]:
        """Makes :meth:`process_environment` that of this process, for all its threads, until the block ends."""
        before, during = dict(os.environ), self.process_environment(name, **more)
        _become(during)
        try:
            yield self
        finally:
            _become(before)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Asks the control API, for instance ``control("POST", "/emulator/redis/stop")``; body and answer are JSON.

        Raises :class:`EmulatorError` if the answer is a refusal.
        """
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(
            self["ENTRAKEY_EMULATOR_URL"] + path, data, {"Content-Type": "application/json"}, method=method
        )
        try:
            with _DIRECT.open(request, timeout=_REQUEST_S) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            raise EmulatorError(f"{method} {path}: {error.code} {said}") from None
        except OSError as error:
            raise EmulatorError(f"{method} {path}: the emulator does not answer ({error})") from None

    def stats(self) -> Any:
        """What has happened so far, counted: requests for tokens, and connections to the Redis."""
        return self.control("GET", "/emulator/stats")

    def token_requests(self) -> int:
        """How many requests for a token were answered, well or not."""
        total: int = self.stats()["token_requests"]["total"]
        return total

    def connections(self, object_id: str) -> dict[str, int]:
        """What the Redis saw of an identity: ``connections``, ``auths``, ``expired``, ``commands``, ``connected``."""
        nothing = dict.fromkeys(("connections", "auths", "expired", "commands", "connected"), 0)
        seen: dict[str, int] = self.stats()["redis"]["by_object_id"].get(object_id, nothing)
        return seen

    def close(self) -> None:
        """Ends it, and waits until it has gone. Once is enough; more does nothing."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Emulator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _command() -> str:
    named = os.environ.get(_KEPT)
    found = shutil.which(named or "entrakey")
    if found is None and named is None:
        # Of this Python, whether or not its environment is activated.
        found = shutil.which("entrakey", path=os.pathsep.join(_scripts()))
    if found is None:
        missing = f"{_KEPT} names {named!r}, which" if named else "the command `entrakey`"
        raise EmulatorError(
            f"{missing} was not found: `pip install entrakey-cli`, or build it with `cargo build -p entrakey-cli` in "
            f"entrakey's repository, then put target/debug on PATH or set {_KEPT} to target/debug/entrakey"
        )
    return found


def _scripts() -> list[str]:
    return [sysconfig.get_path("scripts"), os.path.join(site.getuserbase(), "bin")]


def _arguments(options: dict[str, Any]) -> list[str]:
    wanted = {name: value for name, value in options.items() if value is not None and value is not False}  # 0 is a value
    given = {"--" + name.replace("_", "-"): value for name, value in wanted.items()}
    return [name if value is True else f"{name}={value}" for name, value in given.items()]


def _first_line(process: subprocess.Popen[bytes]) -> bytes:
    """Empty if the process ended, or said nothing in time and was killed."""
    late = threading.Timer(_START_S, process.kill)
    late.start()
    try:
        assert process.stdout is not None
        return process.stdout.readline()
    finally:
        late.cancel()


def _foreign(name: str) -> bool:
    given = name.upper()
    return given != _KEPT and any(fnmatch.fnmatchcase(given, foreign) for foreign in _FOREIGN)


def _become(environment: dict[str, str]) -> None:
    for name in set(os.environ) - set(environment):
        del os.environ[name]
    os.environ.update(environment)
