"""Microsoft Graph: who may change whose passwords, when Entra knows them, what is refused and in which words."""

import datetime
import http.client
import json
import ssl
import urllib.error
import urllib.request

import pytest

APP = "cccccccc-c000-4000-8000-00000000000c"
REGISTRATION = "cccccccc-a000-4000-8000-00000000000c"
PRINCIPAL = "cccccccc-0000-4000-8000-00000000000c"
OTHER = "22222222-c000-4000-8000-000000000002"
ADA = "99999999-0000-4000-8000-0000000000a1"
GRACE = "99999999-0000-4000-8000-0000000000a2"
ADMINISTRATOR = "99999999-0000-4000-8000-0000000000a3"
MANAGER = "bbbbbbbb-0000-4000-8000-00000000000b"
GRAPH = "https://graph.microsoft.com"


class Graph:
    """Asks as the identity `lease_manager` does."""

    def __init__(self, emulator):
        self.emulator = emulator
        client = emulator["ENTRAKEY_EMULATOR_LEASE_MANAGER_CLIENT_ID"]
        self.token = emulator.token(f"&client_id={client}", resource=GRAPH)

    def __call__(self, method, path, body=None):
        """Status, headers and parsed body."""
        url = path if path.startswith("https:") else f"{self.emulator['ENTRAKEY_GRAPH_ENDPOINT']}/v1.0/{path}"
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(url, data, headers, method=method)
        context = ssl.create_default_context(cafile=self.emulator["REDIS_CA_FILE"])
        try:
            with urllib.request.urlopen(request, timeout=10, context=context) as answer:
                return answer.status, answer.headers, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, error.headers, json.loads(error.read() or b"null")

    def settings(self, **settings):
        status, answered = self.emulator.control("/emulator/graph/settings", settings, "PUT")
        assert status == 200, answered

    def grant(self, *permissions, roles=(), owns=()):
        grant = {"permissions": permissions, "roles": roles, "owns": owns}
        status, answered = self.emulator.control(f"/emulator/graph/grants/{MANAGER}", grant, "PUT")
        assert status == 200, answered

    def add(self, of=f"applications/{REGISTRATION}", **wanted):
        status, _, made = self("POST", f"{of}/addPassword", {"passwordCredential": wanted})
        assert status == 200, made
        return made

    def remove(self, key_id, of=f"applications/{REGISTRATION}"):
        return self("POST", f"{of}/removePassword", {"keyId": key_id})[0]

    def keys(self, of=f"applications/{REGISTRATION}"):
        status, _, body = self("GET", f"{of}?$select=passwordCredentials")
        assert status == 200 and list(body) == ["passwordCredentials"], body
        return [one["keyId"] for one in body["passwordCredentials"]]

    def refusal(self, method, path, body=None):
        status, headers, answered = self(method, path, body)
        error = answered["error"]
        assert error["innerError"]["request-id"] == headers["request-id"] and headers["Date"], answered
        return status, error["code"]

    def sign_in(self, secret, client_id=APP):
        """The number with which Entra refuses a secret; None if it does not."""
        status, body = self.emulator.entra(client_id=client_id, client_secret=secret)
        return None if status == 200 else body["error_codes"][0]

    def sign_in_user(self, name, password, **more):
        more = {"client_id": APP, "client_secret": None, **more}
        return self.emulator.entra(grant_type="password", username=name, password=password, **more)

    def later(self, ms):
        assert self.emulator.control("/emulator/clock", {"advance_ms": ms})[0] == 200


@pytest.fixture
def graph(start):
    """Its clock stands still: what is not known yet is known when the test says so."""
    return Graph(start("1h", clock_scale=0))


def test_a_password_signs_in_once_entra_knows_it_until_it_is_removed(graph):
    made = graph.add(displayName="entrakey/test/1")
    assert len(made["secretText"]) == 40 and made["secretText"][:3] == made["hint"]
    assert made["displayName"] == "entrakey/test/1" and made["endDateTime"][:4] == str(int(made["startDateTime"][:4]) + 2)
    assert graph.sign_in(made["secretText"]) == 7000215
    graph.later(250)
    assert graph.sign_in(made["secretText"]) is None
    shown = graph("GET", f"applications/{REGISTRATION}")[2]["passwordCredentials"]
    assert [(one["keyId"], one["secretText"]) for one in shown] == [(made["keyId"], None)]
    second = graph.add(f"applications(appId='{APP}')")
    graph.later(250)
    assert graph.remove(made["keyId"]) == 204
    assert graph.sign_in(made["secretText"]) == 7000215 and graph.sign_in(second["secretText"]) is None
    path = f"applications/{REGISTRATION}/removePassword"
    assert graph.refusal("POST", path, {"keyId": made["keyId"]}) == (400, "Request_BadRequest")
    assert graph.keys() == [second["keyId"]]


def test_a_password_of_the_service_principal_signs_in_too_and_is_not_the_applications(graph):
    made = graph.add(f"servicePrincipals/{PRINCIPAL}")
    graph.later(250)
    assert graph.sign_in(made["secretText"]) is None
    assert graph.keys(f"servicePrincipals(appId='{APP}')") == [made["keyId"]] and graph.keys() == []
    assert graph.remove(made["keyId"]) == 400
    assert graph.remove(made["keyId"], f"servicePrincipals/{PRINCIPAL}") == 204


def test_it_ends_by_itself(graph):
    now = graph.emulator.control("/emulator/clock")[1]["now"]
    made = graph.add(endDateTime=moment(now + 60))
    graph.later(59_000)
    assert graph.sign_in(made["secretText"]) is None
    graph.later(2_000)
    assert graph.sign_in(made["secretText"]) == 7000222
    path = f"applications/{REGISTRATION}/addPassword"
    ended = {"passwordCredential": {"endDateTime": moment(now)}}
    assert graph.refusal("POST", path, ended) == (400, "Request_BadRequest")


def moment(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_everything_is_known_as_late_as_it_is_set(graph):
    graph.settings(secret_delay_ms=8000, read_delay_ms=6000, lookup_delay_ms=4000, removal_delay_ms=2000)
    made = graph.add()
    assert graph.keys() == [] and graph.sign_in(made["secretText"]) == 7000215
    assert graph.remove(made["keyId"]) == 400, "not found though it exists"
    graph.later(6000)
    assert graph.keys() == [made["keyId"]] and graph.sign_in(made["secretText"]) == 7000215
    graph.later(2000)
    assert graph.sign_in(made["secretText"]) is None and graph.remove(made["keyId"]) == 204
    assert graph.sign_in(made["secretText"]) is None and graph.keys() == [made["keyId"]]
    graph.later(2000)
    assert graph.sign_in(made["secretText"]) == 7000215 and graph.keys() == [made["keyId"]]
    graph.later(4000)
    assert graph.keys() == []


def test_who_may_not_is_refused(graph):
    add = f"applications/{REGISTRATION}/addPassword"
    denied = (403, "Authorization_RequestDenied")
    assert graph.refusal("POST", f"applications(appId='{OTHER}')/addPassword", {}) == denied, "it owns another one only"
    assert graph.refusal("POST", "applications/nobody/addPassword", {}) == denied
    graph.grant("Application.ReadWrite.OwnedBy")
    assert graph.refusal("POST", add, {}) == denied, "the owner is another one"
    graph.grant("Application.Read.All", owns=[APP])
    assert graph.refusal("POST", add, {}) == denied and graph("GET", "applications")[0] == 200
    assert graph.refusal("GET", "users") == denied
    graph.grant("Application.ReadWrite.All", "User.Read.All")
    assert graph("POST", f"applications(appId='{OTHER}')/addPassword")[0] == 200 and graph("GET", "users")[0] == 200
    assert graph.refusal("POST", "applications/nobody/addPassword", {}) == (404, "Request_ResourceNotFound")
    graph.grant()
    assert graph.refusal("GET", f"applications/{REGISTRATION}") == denied
    graph.token = graph.emulator.token()
    refusal = graph.refusal("GET", "users")
    assert refusal == (401, "InvalidAuthenticationToken"), "a token for Redis is none for Graph"


def test_policies_and_sizes_refuse(graph):
    add = f"applications/{REGISTRATION}/addPassword"
    for settings, code in [
        ({"passwords_allowed": False}, "CredentialTypeNotAllowedAsPerAppPolicy"),
        ({"max_lifetime_seconds": 3600}, "CredentialInvalidLifetimeAsPerAppPolicy"),
        ({"max_passwords": 0}, "Directory_ResourceSizeExceeded"),
    ]:
        graph.settings(**settings)
        assert graph.refusal("POST", add, {}) == (400, code)
    graph.settings(personal_accounts=True)
    made = [graph.add() for _ in range(2)]
    assert graph.refusal("POST", add, {}) == (400, "TooManyAppPasswords")
    assert graph.remove(made[0]["keyId"]) == 204 and graph.add()
    assert graph.emulator.control("/emulator/graph/settings", {"page_size": 0}, "PUT")[0] == 400
    assert graph.emulator.control("/emulator/graph/settings", {"delay": 0}, "PUT")[0] == 400


def test_lists_are_filtered_selected_and_come_in_pages(graph):
    listed = graph("GET", f"applications?$filter=appId%20eq%20'{APP}'&$select=id,appId")[2]["value"]
    assert listed == [{"id": REGISTRATION, "appId": APP}]
    nobody = "00000000-0000-4000-8000-000000000000"
    assert graph("GET", f"applications?$filter=appId%20eq%20'{nobody}'")[2]["value"] == []
    assert graph.refusal("GET", "applications?$filter=color%20eq%20'x'") == (400, "Request_UnsupportedQuery")
    graph.settings(page_size=3)
    first = graph("GET", "users?$select=id,userPrincipalName")[2]
    assert len(first["value"]) == 3 and set(first["value"][0]) == {"id", "userPrincipalName"}
    second = graph("GET", first["@odata.nextLink"])[2]
    assert len(second["value"]) == 1 and "@odata.nextLink" not in second and set(second["value"][0]) == {"id", "userPrincipalName"}
    everybody = {one["id"] for page in (first, second) for one in page["value"]}
    assert len(everybody) == 4 and {ADA, GRACE, ADMINISTRATOR} < everybody
    assert len(graph("GET", "users?$top=999")[2]["value"]) == 4
    found = graph("GET", "users?$filter=startswith(displayName,'A')&$top=1")[2]
    assert found["value"][0]["userPrincipalName"] == "ada@emulated.example"
    assert graph("GET", found["@odata.nextLink"])[2]["value"][0]["displayName"] == "administrator"
    assert graph.refusal("GET", "users?$top=1000") == (400, "Request_BadRequest")
    assert graph.refusal("GET", "users?$skiptoken=x") == (400, "Request_BadRequest")
    assert graph.refusal("GET", "groups")[0] == 400


def profile(password, force=False):
    return {"passwordProfile": {"forceChangePasswordNextSignIn": force, "password": password}}


def test_a_users_password_is_replaced_and_signs_her_in(graph):
    old, new, name = "Emulated-Password-Of-Ada-1", "another-Password-2", "ada@emulated.example"
    assert graph.sign_in_user(name, old)[0] == 200
    assert graph("PATCH", f"users/{ADA}", profile(new))[0] == 204
    assert graph.sign_in_user(name, old)[0] == 200 and graph.sign_in_user(name, new)[1]["error_codes"] == [50126]
    graph.later(250)
    assert graph.sign_in_user(name, old)[1]["error_codes"] == [50126]
    status, body = graph.sign_in_user(name, new)
    assert status == 200, body
    redis = graph.emulator.connect()
    assert redis("AUTH", ADA, body["access_token"]) == "OK" and redis("SET", "of:ada", "1") == "OK"
    redis.close()
    assert graph.sign_in_user(name, new, client_secret="wrong")[1]["error_codes"] == [7000215]
    assert graph.sign_in_user("nobody@emulated.example", new)[1]["error_codes"] == [50034]
    assert graph("PATCH", f"users/{GRACE}", profile(new))[0] == 204
    assert graph("PATCH", f"users/{ADA}", profile(new, force=True))[0] == 204
    graph.later(250)
    assert graph.sign_in_user("grace@emulated.example", new)[1]["error_codes"] == [50076]
    assert graph.sign_in_user(name, new)[1]["error_codes"] == [50055]


def test_a_users_password_needs_a_permission_and_a_role(graph):
    good, denied = profile("another-Password-2"), (403, "Authorization_RequestDenied")
    assert graph.refusal("PATCH", f"users/{ADMINISTRATOR}", good) == denied
    assert graph.refusal("PATCH", f"users/{ADA}", profile("short")) == (400, "Request_BadRequest")
    graph.grant("User-PasswordProfile.ReadWrite.All")
    assert graph.refusal("PATCH", f"users/{ADA}", good) == denied, "without a role"
    graph.grant("User.Read.All", roles=["User Administrator"])
    assert graph.refusal("PATCH", f"users/{ADA}", good) == denied, "without the permission"
    graph.grant("User.ReadWrite.All", roles=["Privileged Authentication Administrator"])
    assert graph("PATCH", f"users/{ADMINISTRATOR}", good)[0] == 204
    assert graph.refusal("PATCH", "users/nobody", good) == (404, "Request_ResourceNotFound")


def test_faults_are_those_of_the_route_and_an_answer_cut_short_has_made_the_password(graph):
    throttled = {"status": 429, "headers": {"Retry-After": "7"}}
    assert graph.emulator.control("/emulator/faults", {"route": "graph", "answers": [throttled, {"truncate": 5}]})[0] == 200
    status, headers, _ = graph("GET", "users")
    assert (status, headers["Retry-After"]) == (429, "7")
    with pytest.raises(http.client.IncompleteRead):
        graph.add()
    assert len(graph.keys()) == 1


def test_no_secret_is_in_the_list_of_requests(graph):
    made = graph.add()
    graph.later(250)
    graph.sign_in(made["secretText"])
    graph("PATCH", f"users/{ADA}", profile("another-Password-2"))
    graph.sign_in_user("ada@emulated.example", "another-Password-2")
    listed = json.dumps(graph.emulator.control("/emulator/requests")[1])
    assert made["secretText"] not in listed and "another-Password-2" not in listed and "graph" in listed
