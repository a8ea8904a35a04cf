"""The endpoints of a running emulator, and a Redis client of twenty lines that knows nothing but sockets."""

import base64
import contextlib
import json
import os
import pathlib
import select
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request

import pytest

from entrakey.emulator import Emulator

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.setdefault("ENTRAKEY_BIN", str(ROOT / "target/debug/entrakey")))
REFUSED = "-WRONGPASS invalid username-password pair or user is disabled."


def decode(part):
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def claims(token):
    return decode(token.split(".")[1])


def line_of(process, seconds=20):
    """The next line of a child; a child that says nothing is an error and not a wait without end."""
    line = b""
    while not line.endswith(b"\n"):
        assert select.select([process.stdout], [], [], seconds)[0], "nothing was printed in time"
        byte = os.read(process.stdout.fileno(), 1)
        assert byte, f"ended after {line!r}"
        line += byte
    return line.decode()


class Endpoints:
    """What a running emulator answers on all its ports, right or wrong: status and body, and no exceptions."""

    def __init__(self, environment, pid=None):
        self.environment, self.pid = environment, pid
        self.tls = ssl.create_default_context(cafile=environment["REDIS_CA_FILE"])

    def __getitem__(self, name):
        return self.environment[name]

    def http(self, url, data=None, headers=None, method=None):
        """Status and parsed body; `data` makes it a form post."""
        body = urllib.parse.urlencode(data).encode() if data is not None else None
        request = urllib.request.Request(url, body, headers or {}, method=method)
        context = self.tls if url.startswith("https") else None
        try:
            with urllib.request.urlopen(request, timeout=10, context=context) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def env(self, kind):
        """The variables of one environment, by name: what a program there would find."""
        status, variables = self.http(f"{self['ENTRAKEY_EMULATOR_URL']}/emulator/environment/{kind}")
        assert status == 200, variables
        return variables

    def control(self, path, body=None, method=None, headers=None):
        """Status and parsed body; `body` is sent as JSON."""
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(self["ENTRAKEY_EMULATOR_URL"] + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def imds(self, query="", headers=None, version="2018-02-01", resource="https://redis.azure.com"):
        url = self["AZURE_POD_IDENTITY_AUTHORITY_HOST"] + "/metadata/identity/oauth2/token?"
        url += f"api-version={version}&resource={urllib.parse.quote(resource)}{query}"
        return self.http(url, headers={"Metadata": "true"} if headers is None else headers)

    def entra(self, tenant=None, **changes):
        form = {
            "grant_type": "client_credentials",
            "client_id": self["AZURE_CLIENT_ID"],
            "client_secret": self["AZURE_CLIENT_SECRET"],
            "scope": "https://redis.azure.com/.default",
            **changes,
        }
        form = {name: value for name, value in form.items() if value is not None}
        tenant = tenant or self["AZURE_TENANT_ID"]
        return self.http(f"{self['AZURE_AUTHORITY_HOST']}/{tenant}/oauth2/v2.0/token", form)

    def token(self, query="", **more):
        status, body = self.imds(query, **more)
        assert status == 200, body
        return body["access_token"]

    def peak_memory(self):
        """The most that the process has had resident, in bytes, if it was started by `start`."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))

    def stats(self):
        return self.http(self["ENTRAKEY_EMULATOR_URL"] + "/emulator/stats")[1]

    def post(self, path):
        return self.http(self["ENTRAKEY_EMULATOR_URL"] + path, method="POST")[0]

    def connect(self):
        return Redis(self)

    @property
    def user(self):
        """The object id of the machine's own identity, which may do everything."""
        return self["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]

    def owner(self):
        """A connection of that identity."""
        redis = self.connect()
        assert redis("AUTH", self.user, self.token()) == "OK"
        return redis


class Redis:
    """Speaks RESP2 and RESP3. Errors come back as strings that start with "-"."""

    def __init__(self, emulator):
        plain = socket.create_connection(("127.0.0.1", int(emulator["REDIS_PORT"])), timeout=10)
        self.socket = emulator.tls.wrap_socket(plain, server_hostname="localhost")
        self.file = self.socket.makefile("rb")

    def send(self, *words):
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))

    def read(self):
        line = self.file.readline()
        if not line:
            raise EOFError
        kind, rest = line[:1], line[1:-2]
        if kind in b"+":
            return rest.decode()
        if kind == b"-":
            return "-" + rest.decode()
        if kind == b":":
            return int(rest)
        if kind == b"_" or rest == b"-1":
            return None
        if kind == b"$":
            return self.file.read(int(rest) + 2)[:-2].decode()
        if kind == b"%":
            return {self.read(): self.read() for _ in range(int(rest))}
        items = [self.read() for _ in range(int(rest))]
        return ("push", items) if kind == b">" else items

    def __call__(self, *words):
        self.send(*words)
        return self.read()

    def close(self):
        self.file.close()
        self.socket.close()


@pytest.fixture(scope="session")
def start():
    """start("2s", nodes=3) gives an emulator, options as for Emulator.start; all end with the session."""
    with contextlib.ExitStack() as stack:

        def run(lifetime, **options):
            emulator = stack.enter_context(Emulator.start(token_lifetime=lifetime, **options))
            return Endpoints(emulator.environment, emulator._process.pid)

        yield run


@pytest.fixture(scope="session")
def emulator(start):
    return start("1h")


@pytest.fixture
def user(emulator):
    return emulator.user


@pytest.fixture
def redis(emulator):
    """A connection that is not authenticated yet."""
    connection = emulator.connect()
    yield connection
    connection.close()


@pytest.fixture
def owner(emulator, redis):
    """The same one, authenticated."""
    assert redis("AUTH", emulator.user, emulator.token()) == "OK"
    return redis
