"""Answers that a test scripts for a route."""

import http.client
import json
import pathlib
import socket
import time
import urllib.parse

import pytest
from conftest import claims

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

PATH = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://redis.azure.com"


@pytest.fixture
def scripted(emulator):
    """scripted("imds", {...}, …) queues answers; whatever is left of them goes with the test."""

    def add(route, *answers):
        status, body = emulator.control("/emulator/faults", {"route": route, "answers": answers})
        assert status == 200, body

    yield add
    assert emulator.control("/emulator/faults", method="DELETE")[0] == 204


def ask(emulator, timeout=10):
    """Status, headers and the body as it is."""
    address = urllib.parse.urlsplit(emulator["ENTRAKEY_EMULATOR_URL"])
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=timeout)
    try:
        connection.request("GET", PATH, headers={"Metadata": "true"})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def test_answers_come_in_order_as_they_were_written_and_then_the_real_ones(emulator, scripted):
    html = "<html>\u00fc Bad Gateway</html>"
    before = emulator.stats()["token_requests"]
    scripted("imds", {"status": 200}, {"status": 502, "headers": {"Content-Type": "text/html"}, "body": html})
    scripted("imds", {"status": 429, "headers": {"Retry-After": "7"}, "times": 2})
    assert emulator.control("/emulator/faults")[1]["waiting"] == {"imds": 4}
    assert ask(emulator)[::2] == (200, b"")
    status, headers, body = ask(emulator)
    assert (status, headers["Content-Type"], body.decode()) == (502, "text/html", html)
    assert [(status, headers["Retry-After"]) for status, headers, _ in (ask(emulator), ask(emulator))] == [(429, "7")] * 2
    assert ask(emulator)[0] == 200 and len(ask(emulator)[2]) > 1000
    after = emulator.stats()["token_requests"]
    assert after["total"] - before["total"] == 6 and after["scripted"] - before["scripted"] == 4


def test_a_delay_alone_comes_before_the_real_answer(emulator, scripted):
    scripted("imds", {"delay_ms": 400})
    start = time.monotonic()
    assert len(ask(emulator)[2]) > 1000 and time.monotonic() - start >= 0.4


def test_a_reset_is_one_and_a_hang_answers_nothing(emulator, scripted):
    scripted("imds", {"reset": True}, {"hang": True})
    with pytest.raises(ConnectionResetError) as raised:
        ask(emulator)
    assert raised.type is ConnectionResetError, "an end without an answer is another fault"
    with pytest.raises(socket.timeout):
        ask(emulator, timeout=0.5)
    assert ask(emulator)[0] == 200


def test_a_reset_through_tls_and_a_route_of_a_form(emulator, scripted):
    scripted("token", {"reset": True}, {"status": 503, "body": "{}"}, {"delay_ms": 1})
    with pytest.raises(OSError):
        emulator.entra()
    assert emulator.entra() == (503, {})
    assert emulator.entra()[0] == 200, "the form was read before the delay and is still there"


def test_only_the_route_that_was_named_is_changed(emulator, scripted):
    scripted("app_service", {"status": 500})
    assert ask(emulator)[0] == 200 and emulator.entra()[0] == 200
    variables = emulator.env("app_service")
    url = variables["IDENTITY_ENDPOINT"] + "?api-version=2019-08-01&resource=https://redis.azure.com"
    header = {"X-IDENTITY-HEADER": variables["IDENTITY_HEADER"]}
    assert [emulator.http(url, headers=header)[0] for _ in range(2)] == [500, 200]


def test_truncated_and_garbage_answers(emulator, scripted):
    body = b'{"error": "\xc3\xbc"}'.decode()
    scripted("imds", {"truncate": 7}, {"truncate": True, "times": 2}, {"truncate": True, "status": 500, "body": body})
    for shortest, longest in [(7, 7), (500, 1500), (500, 1500), (7, 7)]:
        with pytest.raises(http.client.IncompleteRead) as raised:
            ask(emulator)
        assert shortest <= len(raised.value.partial) <= longest and raised.value.expected > 0
    scripted("token", {"truncate": 100_000}, {"garbage": True})
    with pytest.raises(http.client.IncompleteRead) as raised:
        emulator.entra()
    assert json.loads(raised.value.partial)["access_token"], "all of it, and yet too little"
    with pytest.raises(ValueError):
        emulator.entra()
    scripted("imds", {"garbage": True}, {"garbage": True, "status": 502, "headers": {"Content-Type": "text/html"}})
    status, headers, body = ask(emulator)
    assert (status, headers["Content-Type"]) == (200, "application/json")
    for decoded in (bytes.decode, json.loads):
        with pytest.raises(ValueError):
            decoded(body)
    status, headers, again = ask(emulator)
    assert (status, headers["Content-Type"], again) == (502, "text/html", body)
    assert ask(emulator)[0] == 200


def app_service(emulator):
    variables = emulator.env("app_service")
    url = variables["IDENTITY_ENDPOINT"] + "?api-version=2019-08-01&resource=https://redis.azure.com"
    return emulator.http(url, headers={"X-IDENTITY-HEADER": variables["IDENTITY_HEADER"]})


ASK = {"imds": lambda emulator: emulator.imds(), "app_service": app_service, "token": lambda emulator: emulator.entra()}
REASONS = {
    "expired": "the token has expired",
    "not_yet_valid": "the token is not yet valid",
    "wrong_audience": "the token is for another audience",
    "wrong_object_id": "the object id has no access policy assignment",
    "unknown_key": "the key that the token names is unknown",
    "bad_signature": "the signature is not this tenant's",
}


@pytest.mark.parametrize("route", ASK)
def test_a_wrong_token_is_refused_for_what_is_wrong_with_it(emulator, scripted, route):
    scripted(route, *({"token": fault} for fault in REASONS))
    for fault, reason in REASONS.items():
        status, body = ASK[route](emulator)
        assert status == 200, fault
        token = claims(body["access_token"])
        before = emulator.stats()["redis"]["auth_rejected"].get(reason, 0)
        redis = emulator.connect()
        assert redis("AUTH", token["oid"], body["access_token"]).startswith("-WRONGPASS"), fault
        redis.close()
        assert emulator.stats()["redis"]["auth_rejected"][reason] == before + 1, fault
        if "expires_on" in body:
            assert int(body["expires_on"]) == token["exp"], "the answer says what the token does"
        if "expires_in" in body:
            left = max(0, token["exp"] - time.time())
            assert abs(int(body["expires_in"]) - left) < 30, fault
    assert claims(ASK[route](emulator)[1]["access_token"])["exp"] > time.time() + 3000


def test_a_token_without_an_object_id_and_one_with_another_lifetime(emulator, scripted):
    scripted("token", {"token": "no_oid"}, {"lifetime_seconds": 90}, {"token": "wrong_audience", "lifetime_seconds": 7})
    assert "oid" not in claims(emulator.entra()[1]["access_token"])
    for seconds, audience in [(90, "https://redis.azure.com"), (7, "https://management.azure.com")]:
        status, body = emulator.entra()
        token = claims(body["access_token"])
        assert (token["exp"] - token["iat"], body["expires_in"], token["aud"]) == (seconds, seconds, audience)


def test_a_cached_token_is_letter_by_letter_the_last_one_of_its_identity(emulator, scripted):
    other = "&client_id=" + emulator["ENTRAKEY_EMULATOR_USER_ASSIGNED_CLIENT_ID"]
    first, of_another = emulator.token(), emulator.token(other)
    assert first != emulator.token(), "a new one each time, unless scripted"
    last = emulator.token()
    scripted("imds", {"token": "cached", "times": 3})
    scripted("app_service", {"token": "cached"})
    assert emulator.token() == emulator.token() == last
    assert emulator.token(other) == of_another != last
    assert app_service(emulator)[1]["access_token"] == last, "the identity's, wherever it asks"
    assert emulator.token() != last


def test_numbers_as_strings_and_the_reverse(emulator, scripted):
    scripted("token", {"numbers_as_strings": True})
    scripted("imds", {"strings_as_numbers": True, "delay_ms": 1}, {"strings_as_numbers": True, "token": "expired"})
    body = emulator.entra()[1]
    assert body["expires_in"] == "3600" and body["token_type"] == "Bearer"
    for lifetime in (3600, 0):
        body = emulator.imds()[1]
        assert body["expires_in"] == lifetime and isinstance(body["expires_on"], int)
        assert isinstance(body["access_token"], str) and body["refresh_token"] == ""
    assert emulator.imds()[1]["expires_in"] == "3600"


def test_at_arcs_a_wrong_token_waits_for_who_has_read_the_file(emulator, scripted):
    scripted("arc", {"token": "expired"})
    url = emulator.env("arc")["IDENTITY_ENDPOINT"] + "?api-version=2020-06-01&resource=https://redis.azure.com"
    folder = emulator.env("arc")["ENTRAKEY_EMULATOR_ARC_KEY_DIRECTORY"]
    assert emulator.http(url, headers={"Metadata": "true"})[0] == 401
    newest = max(pathlib.Path(folder).iterdir())
    status, body = emulator.http(url, headers={"Metadata": "true", "Authorization": "Basic " + newest.read_text()})
    assert status == 200 and claims(body["access_token"])["exp"] < time.time()


def test_a_pipelines_token_can_be_wrong_too(emulator, scripted):
    variables = emulator.env("azure_pipelines")
    connection = variables["AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"]
    url = f"{variables['SYSTEM_OIDCREQUESTURI']}?api-version=7.1&serviceConnectionId={connection}"
    scripted("pipelines", {"token": "expired"}, {"token": "unknown_key"}, {"token": "wrong_audience"})
    expected = {"expired": 700024, "unknown_key": 700027, "wrong_audience": 700212}
    for fault, code in expected.items():
        authorization = {"Authorization": "Bearer " + variables["SYSTEM_ACCESSTOKEN"]}
        assertion = emulator.http(url, headers=authorization, method="POST")[1]["oidcToken"]
        form = {"client_assertion": assertion, "client_assertion_type": JWT_BEARER, "client_secret": None}
        assert emulator.entra(client_id=variables["AZURESUBSCRIPTION_CLIENT_ID"], **form)[1]["error_codes"] == [code], fault


def test_imds_answers_twenty_a_second_and_five_at_a_time_if_told_to(start):
    emulator = start("1h", imds_limits=True)
    began = time.monotonic()
    answers = ask_in_a_row(emulator, 30)
    statuses = [int(answer.split(b" ")[1]) for answer in answers]
    if time.monotonic() - began < 1:  # on any machine that is not at a standstill
        assert statuses == [200] * 20 + [429] * 10
        assert b"retry-after: 1" in answers[-1] and b"too_many_requests" in answers[-1]
    assert set(statuses) <= {200, 429}
    counted = emulator.stats()["token_requests"]
    assert counted["failed"].get("too_many_requests", 0) == statuses.count(429)
    listed = emulator.control("/emulator/requests?route=imds")[1]["requests"]
    assert [(request["status"], request["limited"]) for request in listed] == [(s, s == 429) for s in statuses]
    assert app_service(emulator)[0] == 200, "another service"
    assert emulator.control("/emulator/limits", {"imds": False}) == (200, {"imds": False})
    assert len(ask_in_a_row(emulator, 30)) == 30
    assert emulator.stats()["token_requests"]["failed"] == counted["failed"]
    assert emulator.control("/emulator/limits", {"imds": "no"})[0] == 400


def ask_in_a_row(emulator, times):
    """Each answer as it came, of so many requests sent at once on one connection."""
    address = urllib.parse.urlsplit(emulator["ENTRAKEY_EMULATOR_URL"])
    request = f"GET {PATH} HTTP/1.1\r\nHost: x\r\nMetadata: true\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        requests = (request + "\r\n") * (times - 1) + request + "Connection: close\r\n\r\n"
        connection.sendall(requests.encode())
        answers = b"".join(iter(lambda: connection.recv(65536), b""))
    return [b"HTTP/1.1 " + answer for answer in answers.split(b"HTTP/1.1 ")[1:]]


def test_five_requests_that_hang_leave_no_room_for_a_sixth(start):
    emulator = start("1h")
    emulator.control("/emulator/faults", {"route": "imds", "answers": [{"hang": True, "times": 5}]})
    address = urllib.parse.urlsplit(emulator["ENTRAKEY_EMULATOR_URL"])
    hanging = [http.client.HTTPConnection(address.hostname, address.port, timeout=10) for _ in range(5)]
    for connection in hanging:
        connection.request("GET", PATH, headers={"Metadata": "true"})
    until(lambda: emulator.control("/emulator/faults")[1]["waiting"] == {})
    assert ask(emulator)[0] == 200, "there are no limits yet"
    assert emulator.control("/emulator/limits", {"imds": True})[1] == {"imds": True}
    assert ask(emulator)[0] == 429
    for connection in hanging:
        connection.close()
    until(lambda: ask(emulator)[0] == 200)


def until(condition, what="it came to be", seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


@pytest.mark.parametrize(
    "script, says",
    [
        ({"route": "nowhere", "answers": []}, "imds"),
        ({"route": "imds", "answers": [{"stauts": 200}]}, "stauts"),
        ({"route": "imds", "answers": [{"status": 1000}]}, "1000"),
        ({"route": "imds"}, "answers"),
        ({"route": "imds", "answers": [{"token": "stale"}]}, "not_yet_valid"),
        ({"route": "imds", "answers": [{"garbage": True, "token": "cached"}]}, "replace"),
        ({"route": "keys", "answers": [{"lifetime_seconds": 9}]}, "app_service"),
    ],
)
def test_a_script_that_cannot_be_is_refused_with_a_reason(emulator, script, says):
    status, body = emulator.control("/emulator/faults", script)
    assert status == 400 and says in body["error"]
