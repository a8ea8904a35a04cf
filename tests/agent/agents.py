"""What runs while clients are tried: `entrakey agent`, and questions to it."""

import contextlib
import http.client
import json
import os
import queue
import re
import signal
import socket
import subprocess
import threading
import time

from running import PATIENCE_S, WITH_US, free_port

RESOURCE = "https://redis.azure.com"
VERSION = "2019-08-01"


def entrakey(*arguments, env, **more):
    """A command's end: returncode, stdout, stderr."""
    command = [*WITH_US, os.environ["ENTRAKEY_BIN"], *map(str, arguments)]
    given = {"capture_output": True, "text": True, "timeout": PATIENCE_S, "stdin": subprocess.DEVNULL, **more}
    return subprocess.run(command, env=env, **given)


class OverUnix(http.client.HTTPConnection):
    """HTTP on a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE_S)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_S)
        self.sock.connect(self._path)


def ask(connection, path, headers=(), method="GET", body=None):
    """Status, headers and JSON of an answer; the connection is closed."""
    with contextlib.closing(connection):
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, dict(answer.getheaders()), json.loads(text) if text else None


class Agent:
    """`entrakey agent run`, from the moment that it listens; killed at the end."""

    def __init__(self, emulator, folder, *options, kind="default", identity="managed_identity", prefix=(), **variables):
        self.folder, self._http_port = folder, free_port()
        command = [*WITH_US, *prefix, os.environ["ENTRAKEY_BIN"], "agent", "run", "--structured-logs", "--health-check"]
        command += ["--prometheus", "--http-port", str(self._http_port), *map(str, options)]
        if folder is not None:
            command += ["--directory", str(folder)]
        if not any(str(option).startswith(("--port", "--no-app-service")) for option in options):
            command += ["--port", "0"]
        own = {"ENTRAKEY_IDENTITY": identity} if identity else {}
        self.env = emulator.process_environment(kind, **own, **variables)
        self.process = subprocess.Popen(
            command, env=self.env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self.said, self._lines = [], queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.socket = self.wait_for(r"listening on (/.*)").group(1)
            if "--no-app-service" not in options:
                self.port = int(self.wait_for(r"listening on http://127\.0\.0\.1:(\d+)/msi/token").group(1))
        except BaseException:
            self.kill()
            raise

    def _read(self):
        for line in self.process.stderr:
            self._lines.put(json.loads(line))
        self._lines.put(None)

    def wait_for(self, pattern, times=1):
        """The first message that fits (or a later one), of those that were said or will be."""
        for line in self.said:
            if found := re.search(pattern, line["message"]):
                times -= 1
                if not times:
                    return found
        deadline = time.monotonic() + PATIENCE_S
        while True:
            line = self._lines.get(timeout=max(deadline - time.monotonic(), 0))
            assert line is not None, f"it ended before it said {pattern!r}: {self.said}"
            self.said.append(line)
            if found := re.search(pattern, line["message"]):
                times -= 1
                if not times:
                    return found

    def all_said(self):
        with contextlib.suppress(queue.Empty):
            while (line := self._lines.get_nowait()) is not None:
                self.said.append(line)
        return self.said

    def secrets(self, path="", **more):
        """What the Unix socket answers."""
        return ask(OverUnix(self.socket), f"/v1/secrets{path}", **more)

    def token(self, header, query=f"resource={RESOURCE}&api-version={VERSION}", host=None, **headers):
        """What App Service's endpoint answers."""
        given = {"X-IDENTITY-HEADER": header} if header is not None else {}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        if host is not None:
            given["Host"] = host
        return ask(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S), f"/msi/token?{query}", given)

    def variables(self, name="default"):
        """What `entrakey agent env` says."""
        ended = entrakey("agent", "env", name, "-o", "json", "--directory", self.folder, env=self.env)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    def header(self, name="default"):
        return (self.folder / f"{name}.header").read_text()

    def is_ready(self):
        return self._get("/readiness")[0] == 200

    def readiness(self):
        return self._get("/readiness")

    def _get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self._http_port, timeout=PATIENCE_S)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def metrics(self):
        return self._get("/metrics")[1]

    def counted(self, name, **labels):
        """A metric's value, summed over the labels that are not given."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        lines = re.findall(rf"^entrakey_agent_{name}(?:\{{(.*)\}})? (\S+)$", self.metrics(), re.MULTILINE)
        assert lines, f"no metric entrakey_agent_{name}"
        return sum(float(value) for given, value in lines if all(one in given for one in wanted))

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def ended(self):
        """Waits for its end: its exit code. All that it said is in `said` then."""
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        self.all_said()
        return code

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.ended()
        for line in self.said:  # pytest shows it with a test that fails
            print("agent:", line["timestamp"], line["severity"], line["message"])
