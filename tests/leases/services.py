"""What runs while leases are tried: `entrakey leases serve`, questions to it, and what Azure knows."""

import contextlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from running import PATIENCE_S, WITH_US, Service

APPLICATION = "cccccccc-c000-4000-8000-00000000000c"
PRINCIPAL = "cccccccc-0000-4000-8000-00000000000c"
MANAGER = "dddddddd-c000-4000-8000-00000000000d"
MANAGER_PRINCIPAL = "dddddddd-0000-4000-8000-00000000000d"
MANAGER_SECRET = "emulated-lease-manager-secret~value"
ADA, ADA_NAME = "99999999-0000-4000-8000-0000000000a1", "ada@emulated.example"
CACHE = "/subscriptions/5ab5c819-0000-4000-8000-00000000000b/resourceGroups/emulated/providers/Microsoft.Cache/redisEnterprise/emulated"
GRAPH = "https://graph.microsoft.com"
ARM = "https://management.azure.com"

FILE = """
installation = "{installation}"
intent-wait = "3s"
not-found-wait = "1s"
propagation-wait = "20s"
database = "{database}"
[entrakey]
tenant_id = "{tenant}"
identity = "service_principal"
client_id = "{manager}"
client_secret = "${{LEASE_MANAGER_SECRET}}"
[secrets.app]
kind = "application_password"
application-id = "{application}"
default-ttl = "{default_ttl}"
max-ttl = "{max_ttl}"
max-leases = {most}
[secrets.access]
kind = "redis_access"
cache = "{cache}"
users = ["{ada}"]
access-string = "+@all ~*"
default-ttl = "1h"
max-ttl = "2h"
[secrets.user]
kind = "user_password"
users = ["{ada}"]
[[clients]]
name = "here"
uids = [{uid}]
secrets = ["app"]
roles = ["issue"]
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


def asked(connection, method, path, body=None, **headers):
    """Status, headers and JSON."""
    with contextlib.closing(connection):
        data = json.dumps(body) if body is not None else None
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, data, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, answer.headers, json.loads(text) if text else None


class Installation:
    """A configuration, its database, and Azure as it is seen from there."""

    def __init__(self, emulator, folder, *, installation="test", database=None, max_ttl="2h", default_ttl="1h", most=100):
        self.emulator, self.folder, self.name = emulator, folder, installation
        self.env = emulator.process_environment("default", LEASE_MANAGER_SECRET=MANAGER_SECRET)
        # Whoever started this has an identity of its own, which has nothing to do with the leases.
        for variable in ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID", "ENTRAKEY_IDENTITY"):
            self.env.pop(variable, None)
        self.tenant = emulator["ENTRAKEY_EMULATOR_TENANT_ID"] if _has(emulator, "ENTRAKEY_EMULATOR_TENANT_ID") else TENANT
        self.config = folder / "leases.toml"
        self.database = database or folder / "leases.db"
        self.config.write_text(
            FILE.format(
                installation=installation, database=self.database, tenant=self.tenant, manager=MANAGER, most=most,
                application=APPLICATION, cache=CACHE, ada=ADA, uid=os.geteuid(), max_ttl=max_ttl, default_ttl=default_ttl,
            )
        )

    def put_into_an_agents_file(self, *lines):
        """What leases are made of is a table of the agent's file then. `lines` are some more of that table."""
        inside = self.config.read_text().replace("[[clients]]", "[[leases.clients]]").replace("[secrets.", "[leases.secrets.")
        inside = inside.replace("[entrakey]", "[leases.entrakey]")
        own = ['[entrakey]', 'identity = "managed_identity"', '[leases]', 'port = 0', *lines]
        self.config.write_text("\n".join(own) + inside)

    def order(self, *order, **more):
        ended = entrakey(*order, "--config-file", self.config, env=self.env, **more)
        assert ended.returncode == 0, ended
        return ended.stdout

    def tokens_listed(self):
        """By somebody who looks after the tokens, and need not know the secret of the service's own identity."""
        env = {name: value for name, value in self.env.items() if name != "LEASE_MANAGER_SECRET"}
        listed = entrakey("leases", "token", "list", "--config-file", self.config, env=env)
        assert listed.returncode == 0, listed
        return listed.stdout

    def token(self, name, *roles, secrets="*"):
        return self.order("leases", "token", "create", name, "--role", ",".join(roles), "--secret", secrets).strip()

    def azure(self, audience, method, path, body=None):
        """What Graph or Azure Resource Manager answers the leases' own identity."""
        endpoint = self.emulator["ENTRAKEY_GRAPH_ENDPOINT" if audience == GRAPH else "ENTRAKEY_ARM_ENDPOINT"]
        token = self.entra(MANAGER, client_secret=MANAGER_SECRET, scope=f"{audience}/.default")[1]["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        return self._sent(urllib.request.Request(endpoint + path, data, headers, method=method))

    def entra(self, client_id, scope="https://redis.azure.com/.default", grant_type="client_credentials", **more):
        form = {"client_id": client_id, "scope": scope, "grant_type": grant_type, **more}
        url = f"{self.emulator['AZURE_AUTHORITY_HOST']}/{self.tenant}/oauth2/v2.0/token"
        return self._sent(urllib.request.Request(url, urllib.parse.urlencode(form).encode()))

    def _sent(self, request):
        context = ssl.create_default_context(cafile=self.emulator["REDIS_CA_FILE"])
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S, context=context) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def sign_in(self, secret):
        """The number with which Entra refuses a secret of the application; None if it does not."""
        status, body = self.entra(APPLICATION, client_secret=secret)
        return None if status == 200 else body["error_codes"][0]

    def sign_in_user(self, password):
        status, body = self.entra(APPLICATION, grant_type="password", username=ADA_NAME, password=password)
        return None if status == 200 else body["error_codes"][0]

    def keys(self):
        """This installation's, by their names."""
        status, body = self.azure(GRAPH, "GET", f"/v1.0/applications(appId='{APPLICATION}')?$select=passwordCredentials")
        assert status == 200, body
        ours = f"entrakey/{self.name}/"
        return {one["displayName"]: one for one in body["passwordCredentials"] if (one["displayName"] or "").startswith(ours)}

    def assignments(self):
        path = f"{CACHE}/databases/default/accessPolicyAssignments"
        status, body = self.azure(ARM, "GET", f"{path}?api-version=2026-08-01")
        assert status == 200, body
        return {one["name"]: one["properties"]["user"]["objectId"] for one in body["value"]}


TENANT = "72f988bf-0000-4000-8000-000000000001"


def _has(emulator, variable):
    return variable in emulator.environment


class Leases(Service):
    """`entrakey leases serve`."""

    name = "leases"

    def __init__(self, installation, *options, token=None, prefix=(), **variables):
        self.installation, self.token = installation, token
        self.socket = installation.folder / "leases.sock" if "--socket" in options else None
        if "--port" not in options:
            options += ("--port", 0)
        command = [*prefix, os.environ["ENTRAKEY_BIN"], "leases", "serve", "--config-file", str(installation.config)]
        super().__init__(command, {**installation.env, **variables}, *options)

    def listens(self):
        self.port = int(self.wait_for(r"listening on https?://127\.0\.0\.1:(\d+)").group(1))

    def __call__(self, method, path, body=None, token=None, **headers):
        """Status and JSON."""
        headers.setdefault("Authorization", f"Bearer {token or self.token}")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        status, self.headers, answer = asked(connection, method, path, body, **headers)
        return status, answer

    def create(self, secret="app", expect=201, **more):
        headers = {"Idempotency_Key": more.pop("key")} if "key" in more else {}
        status, lease = self("POST", "/v1/leases", {"secret": secret, **more}, **headers)
        assert status == expect, lease
        return lease

    def lease(self, lease_id):
        status, lease = self("GET", f"/v1/leases/{lease_id}")
        assert status == 200, lease
        return lease

    def events(self, lease_id):
        """What the audit trail says of a lease, the oldest first."""
        status, answer = self("GET", f"/v1/audit?lease_id={lease_id}")
        assert status == 200, answer
        return [row["event"] for row in reversed(answer["audit"])]

    def all(self):
        status, answer = self("GET", "/v1/leases?limit=500")
        assert status == 200, answer
        return answer["leases"]

    def client_environment(self):
        url = f"http://127.0.0.1:{self.port}"
        return {**self.installation.env, "ENTRAKEY_LEASES_URL": url, "ENTRAKEY_LEASES_TOKEN": self.token}


class InAgent(Leases):
    """The same in the process of `entrakey agent run`, whose own identity is the machine's."""

    name = "agent"

    def __init__(self, installation, token, waits_for=None):
        self.installation, self.token, self.socket, self._waits_for = installation, token, None, waits_for
        command = [os.environ["ENTRAKEY_BIN"], "agent", "run", "--config-file", str(installation.config)]
        Service.__init__(self, command, installation.env, "--directory", installation.folder / "agent", "--no-app-service")

    def listens(self):
        if self._waits_for:
            self.wait_for(self._waits_for)
        else:
            super().listens()
