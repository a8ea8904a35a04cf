"""What runs while clients are tried: `entrakey agent`, and questions to it."""

import contextlib
import http.client
import json
import os
import socket
import subprocess

from running import PATIENCE_S, WITH_US, Service

RESOURCE = "https://redis.azure.com"
VERSION = "2019-08-01"
# A user and a group that nobody has.
STRANGER = 54321
# Asks the socket for the default token, in the system's own Python: prints the status.
ASKS = """
import socket, sys
with socket.socket(socket.AF_UNIX) as stream:
    stream.connect(sys.argv[1])
    stream.sendall(b"GET /v1/secrets/default HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n")
    print(stream.makefile().readline().split()[1])
"""


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
        with contextlib.suppress(BrokenPipeError):  # it may be answered before its body has been sent
            connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, dict(answer.getheaders()), json.loads(text) if text else None


class Agent(Service):
    """`entrakey agent run`."""

    name = "agent"

    def __init__(self, emulator, folder, *options, kind="default", identity="managed_identity", prefix=(), **variables):
        self.folder, self._has_app_service = folder, "--no-app-service" not in options
        own = {"ENTRAKEY_IDENTITY": identity} if identity else {}
        self.env = emulator.process_environment(kind, **own, **variables)
        if folder is not None:
            options += ("--directory", folder)
        if not any(str(option).startswith(("--port", "--no-app-service")) for option in options):
            options += ("--port", 0)
        super().__init__([*prefix, os.environ["ENTRAKEY_BIN"], "agent", "run"], self.env, *options)

    def listens(self):
        self.socket = self.wait_for(r"listening on (/.*)").group(1)
        if self._has_app_service:
            self.port = int(self.wait_for(r"listening on http://127\.0\.0\.1:(\d+)/msi/token").group(1))

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
        return self.readiness()[0] == 200

    def readiness(self):
        """Status and text."""
        connection = http.client.HTTPConnection("127.0.0.1", self._http_port, timeout=PATIENCE_S)
        with contextlib.closing(connection):
            connection.request("GET", "/readiness")
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
