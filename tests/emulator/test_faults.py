"""Answers that a test scripts for a route."""

import http.client
import socket
import time
import urllib.parse

import pytest

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
    url = variables["IDENTITY_ENDPOINT"] + "?api-version=2019-08-01&resource=x"
    header = {"X-IDENTITY-HEADER": variables["IDENTITY_HEADER"]}
    assert [emulator.http(url, headers=header)[0] for _ in range(2)] == [500, 200]


@pytest.mark.parametrize(
    "script, says",
    [
        ({"route": "nowhere", "answers": []}, "imds"),
        ({"route": "imds", "answers": [{"stauts": 200}]}, "stauts"),
        ({"route": "imds", "answers": [{"status": 1000}]}, "1000"),
        ({"route": "imds"}, "answers"),
    ],
)
def test_a_script_that_cannot_be_is_refused_with_a_reason(emulator, script, says):
    status, body = emulator.control("/emulator/faults", script)
    assert status == 400 and says in body["error"]
