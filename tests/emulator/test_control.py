"""The control API: its description, the list of requests, keys, and the command `entrakey control`."""

import base64
import json
import os
import pathlib
import subprocess
import urllib.error
import urllib.request

import pytest
from conftest import BINARY, claims, decode
from openapi_spec_validator import OpenAPIV31SpecValidator
from test_command import use_every_secret

RESOURCE = "https://redis.azure.com"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture(scope="module")
def document(emulator):
    status, document = emulator.control("/emulator/openapi.json")
    assert status == 200
    return document


def test_the_description_is_valid_openapi(document):
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids) >= 19


def test_what_is_described_is_answered_and_nothing_else_is(emulator, document):
    """405 says that a path has no such method, 404 that there is no such path. The rest is called in the next test."""
    for path, operations in document["paths"].items():
        for method in ("get", "post", "put", "patch", "delete"):
            if method in operations:
                continue  # called below
            url = emulator["ENTRAKEY_EMULATOR_URL"] + filled(emulator, path)
            status, _ = answered(urllib.request.Request(url, method=method.upper()))
            assert status == 405, (method, path)
    status, _ = answered(urllib.request.Request(emulator["ENTRAKEY_EMULATOR_URL"] + "/emulator/nowhere"))
    assert status == 404


def test_every_operation_answers_as_its_description_says(start, document):
    """Each is called once, bare or with a body; whatever comes back is one of the statuses that it names."""
    emulator = start("1h")
    bodies = {
        "add_faults": {"route": "imds", "answers": []}, "set_limits": {"imds": False},
        "set_clock": {"advance_ms": 0}, "rotate_keys": {"keys": "issuers"}, "add_redis_faults": [],
        "assign_policy": {"access": "reader"}, "set_access_keys": {"enabled": True}, "fail_over": {"down_ms": 1},
        "set_entra": {"enabled": True}, "assign_role": {"role": "Reader"}, "set_arm_cache": {}, "set_graph_settings": {}, "set_grant": {},
    }  # fmt: skip
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            body = bodies.get(operation["operationId"])
            data = json.dumps(body).encode() if body is not None else None
            url = emulator["ENTRAKEY_EMULATOR_URL"] + filled(emulator, path)
            headers = {"Content-Type": "application/json"}
            status, said = answered(urllib.request.Request(url, data, headers, method=method.upper()))
            # What the Redis plane can do depends on what it is doing.
            assert status in (200, 204) or operation["tags"] == ["redis"], operation["operationId"]
            content = operation["responses"][str(status)].get("content")
            if content is None:
                assert said == b"", operation["operationId"]
            else:
                check(json.loads(said), content["application/json"]["schema"], document, operation["operationId"])


def test_a_web_page_can_neither_drive_nor_read_the_emulator(emulator):
    """What a browser sends for a page: its origin, or a body that needs no leave, or a name made to lead here."""
    port = emulator["ENTRAKEY_EMULATOR_URL"].rpartition(":")[2]
    ahead = emulator.control("/emulator/clock")[1]["offset_ms"]
    for headers, status in [
        ({"Host": f"evil.example:{port}"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
    ]:
        refused = emulator.control("/emulator/clock", {"advance_ms": 5000}, headers=headers)
        assert refused[0] == status and refused[1]["error"], headers
        if status == 403:
            for path in ("/emulator/requests", "/emulator/openapi.json", "/emulator/environment"):
                assert emulator.control(path, headers=headers)[0] == 403, (path, headers)
    assert emulator.control("/emulator/clock")[1]["offset_ms"] == ahead
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}"):
        assert emulator.control("/emulator/clock", headers={"Host": host})[0] == 200


def filled(emulator, path):
    """With something that exists for what is in braces."""
    return path.format(kind="imds", object_id=emulator["ENTRAKEY_EMULATOR_READER_OBJECT_ID"])


def answered(request):
    """Status and body."""
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def check(value, schema, document, what):
    """Validates with the schemas of the document itself."""
    from jsonschema import Draft202012Validator

    schema = {**schema, "components": document["components"]}
    errors = list(Draft202012Validator(schema).iter_errors(value))
    assert not errors, (what, errors)


def test_bodies_that_are_described_as_impossible_are_refused(emulator, document):
    from jsonschema import Draft202012Validator

    schema = {"$ref": "#/components/schemas/Script", "components": document["components"]}
    validator = Draft202012Validator(schema)
    for answer, good in [
        ({"status": 429, "headers": {"Retry-After": "5"}}, True), ({"token": "expired", "truncate": 5}, True),
        ({"token": "stale"}, False), ({"stauts": 5}, False), ({"truncate": "much"}, False), ({"times": 0}, False),
    ]:  # fmt: skip
        script = {"route": "imds", "answers": [answer]}
        assert validator.is_valid(script) == good, answer
        assert (emulator.control("/emulator/faults", script)[0] == 200) == good, answer
    emulator.control("/emulator/faults", method="DELETE")


def test_requests_are_listed_with_what_matters(start):
    emulator = start("1h")
    emulator.control("/emulator/faults", {"route": "token", "answers": [{"token": "expired"}, {"status": 503}]})
    emulator.imds("&client_id=nobody", headers={"Metadata": "true", "x-ms-client-request-id": "my-id"})
    emulator.imds()
    emulator.entra()
    emulator.entra()
    status, refusal = emulator.entra(client_secret="wrong-secret-value")
    listed = emulator.control("/emulator/requests")[1]
    assert listed["total"] == 5
    bad, good, expired, scripted, refused = listed["requests"]
    assert [request["number"] for request in listed["requests"]] == [1, 2, 3, 4, 5]
    assert (bad["route"], bad["method"], bad["path"]) == ("imds", "GET", "/metadata/identity/oauth2/token")
    assert bad["query"] == {"api-version": "2018-02-01", "resource": RESOURCE, "client_id": "nobody"}
    assert (bad["status"], bad["identity"], bad["correlation_id"], bad["fault"]) == (400, None, "my-id", None)
    assert (good["status"], good["identity"]) == (200, emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"])
    assert good["time"].endswith("Z") and good["time"] >= bad["time"] and good["query"].keys() == {"api-version", "resource"}
    assert expired["fault"] == {"token": "expired"} and expired["status"] == 200 and expired["identity"]
    assert scripted["fault"] == {"status": 503} and scripted["status"] == 503 and scripted["identity"] is None
    assert refused["form"]["scope"] == RESOURCE + "/.default" and refused["form"]["client_secret"] == "wron… (18 characters)"
    assert (refused["status"], refused["correlation_id"]) == (401, refusal["correlation_id"])
    of_token = emulator.control("/emulator/requests?route=token")[1]
    assert [request["number"] for request in of_token["requests"]] == [3, 4, 5] and of_token["total"] == 5
    status, body = emulator.control("/emulator/requests?route=nowhere")
    assert status == 400 and "imds" in body["error"]
    assert emulator.control("/emulator/requests", method="DELETE")[0] == 204
    assert emulator.control("/emulator/requests")[1] == {"requests": [], "total": 5}


def test_a_request_without_an_answer_is_listed_without_a_status(start):
    emulator = start("1h")
    emulator.control("/emulator/faults", {"route": "imds", "answers": [{"reset": True, "delay_ms": 1}]})
    with pytest.raises(OSError):
        emulator.imds()
    (request,) = emulator.control("/emulator/requests")[1]["requests"]
    assert request["status"] is None and request["fault"] == {"reset": True, "delay_ms": 1}


def test_no_secret_and_no_token_is_in_the_list(start):
    emulator = start("1h")
    environments = {**emulator.control("/emulator/environment")[1], "default": emulator.environment}
    secrets, tokens = use_every_secret(environments)
    for wrong_field in ("scope", "client_id"):
        emulator.entra(**{wrong_field: tokens[0]})
    with open(emulator.env("workload_identity")["AZURE_FEDERATED_TOKEN_FILE"]) as file:
        assertion = file.read()
    emulator.entra(client_secret=None, client_assertion=assertion, client_assertion_type=JWT_BEARER)
    emulator.control("/emulator/faults", {"route": "imds", "answers": [{"status": 200, "body": json.dumps(tokens[0])}]})
    emulator.imds()
    listed = json.dumps(emulator.control("/emulator/requests")[1], ensure_ascii=False)
    assert len(json.loads(listed)["requests"]) >= 10
    for secret in [*secrets, *tokens, assertion, assertion.split(".")[2]]:
        assert secret not in listed
    assert f"({len(assertion)} characters)" in listed and "client_assertion" in listed


def jwks(emulator):
    base = f"{emulator['AZURE_AUTHORITY_HOST']}/{emulator['AZURE_TENANT_ID']}"
    return [key["kid"] for key in emulator.http(f"{base}/discovery/v2.0/keys")[1]["keys"]]


def kid(token):
    return decode(token.split(".")[0])["kid"]


def accepted(emulator, token):
    redis = emulator.connect()
    try:
        return redis("AUTH", claims(token)["oid"], token) == "OK"
    finally:
        redis.close()


def test_keys_rotate_with_an_overlap(start):
    emulator = start("1h")
    old = emulator.token()
    assert jwks(emulator) == [kid(old)]
    status, state = emulator.control("/emulator/keys/rotate", {})
    assert status == 200 and state["published"] == [kid(old), state["signing"]] == jwks(emulator)
    new = emulator.token()
    assert kid(new) == state["signing"] != kid(old)
    assert accepted(emulator, old) and accepted(emulator, new)
    assert emulator.control("/emulator/keys/retire", method="POST")[1]["published"] == [kid(new)] == jwks(emulator)
    assert accepted(emulator, new) and not accepted(emulator, old)
    state = emulator.control("/emulator/keys/rotate?retire=true", method="POST")[1]
    assert state["published"] == [state["signing"]] == jwks(emulator) and not accepted(emulator, new)
    both = emulator.control("/emulator/keys")[1]
    assert both["entra"] == state and both["issuers"] == {"signing": None, "published": []}
    assert emulator.control("/emulator/keys/rotate", {"keys": "nobody's"})[0] == 400
    assert emulator.control("/emulator/keys/rotate", {"retired": True})[0] == 400


def test_the_issuers_keys_rotate_too(start):
    emulator = start("1h")
    app = emulator["ENTRAKEY_EMULATOR_FEDERATED_APP_CLIENT_ID"]

    def minted():
        return emulator.control("/emulator/federated_token", {"write": False})[1]["token"]

    def verdict(assertion):
        form = {"client_assertion": assertion, "client_assertion_type": JWT_BEARER}
        status, body = emulator.entra(client_id=app, client_secret=None, **form)
        return body.get("error_codes", [status])[0]

    old = minted()
    assert emulator.control("/emulator/keys/rotate", {"keys": "issuers"})[0] == 200
    new = minted()
    published = [key["kid"] for key in emulator.http(claims(new)["iss"] + "/keys")[1]["keys"]]
    assert published == [kid(old), kid(new)]
    assert verdict(old) == verdict(new) == 200
    forged = json.dumps({"alg": "RS256", "kid": kid(old)}).encode()
    head = base64.urlsafe_b64encode(forged).decode().rstrip("=")
    assert verdict(".".join([head, *new.split(".")[1:]])) == 700027, "the key is looked up by its id"
    emulator.control("/emulator/keys/retire", {"keys": "issuers"})
    assert (verdict(old), verdict(new)) == (700027, 200)


def control(emulator, *arguments, url=None):
    environment = {**os.environ, "ENTRAKEY_EMULATOR_URL": url or emulator["ENTRAKEY_EMULATOR_URL"]}
    command = [BINARY, "control", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_the_command_lists_and_does_what_is_described(start, document):
    emulator = start("1h")
    code, listed, said = control(emulator)
    assert code == 0 and said == ""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            line = next(line for line in listed.splitlines() if line.split()[0] == operation["operationId"])
            assert f"{method.upper()} {path} " in line and line.endswith(operation["summary"])
    assert json.loads(control(emulator, "set_clock", "advance_ms=7200000")[1])["offset_ms"] >= 7_199_999
    script = json.dumps({"route": "imds", "answers": [{"token": "no_oid"}]})
    assert json.loads(control(emulator, "add_faults", script)[1])["waiting"] == {"imds": 1}
    assert control(emulator, "add_faults", "route=imds", 'answers=[{"status": 500}]')[0] == 0
    assert "oid" not in claims(emulator.token())
    (request,) = json.loads(control(emulator, "requests", "route=imds")[1])["requests"]
    assert request["fault"] == {"token": "no_oid"}
    assert control(emulator, "clear_faults") == (0, "", "")
    lines = control(emulator, "environment", "kind=app_service", "format=shell")[1]
    assert lines.startswith("unset ") and "export IDENTITY_ENDPOINT=" in lines
    keys = json.loads(control(emulator, "rotate_keys", "keys=issuers", "retire=true")[1])
    assert keys["published"] == [keys["signing"]]


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["nonsense"], "`entrakey control` lists"),
        (["set_clock", "scale=-1"], "between 0 and"),
        (["add_faults", "{"], "EOF"),
        (["requests", "rout=imds"], "route=…"),
        (["environment"], "{kind}"),
        (["environment", "kind=../stats"], "part of a path"),
        (["set_clock", "{}", "scale=1"], "not both"),
    ],
)
def test_the_command_says_why_it_does_not(emulator, arguments, says):
    code, out, said = control(emulator, *arguments)
    assert code == 2 and out == "" and says in said and said.count("\n") == 1, said


def test_the_command_without_an_emulator(emulator):
    code, _, said = control(emulator, "stats", url="http://127.0.0.1:1")
    assert code == 5 and "entrakey emulator" in said


def test_files_are_there_when_their_names_are(start):
    emulator = start("1h")
    folder = pathlib.Path(emulator["ENTRAKEY_EMULATOR_DIRECTORY"])
    assert {file.name for file in folder.iterdir()} == {"lock", "ca.pem"}, "keys are made for who wants them"
    certificate = emulator.env("client_certificate")["AZURE_CLIENT_CERTIFICATE_PATH"]
    assert "PRIVATE KEY" in pathlib.Path(certificate).read_text()
    token = emulator.control("/emulator/federated_token", {"lifetime_seconds": -5})[1]["token"]
    file = pathlib.Path(emulator.env("workload_identity")["AZURE_FEDERATED_TOKEN_FILE"])
    assert file.read_text() == token, "what a test wrote there stays"
