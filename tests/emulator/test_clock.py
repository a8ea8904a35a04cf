"""One clock for whatever the emulator says and checks, however it is set."""

import calendar
import email.utils
import ssl
import time
import urllib.error
import urllib.request

import pytest
from conftest import claims

FEDERATED = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
DAY = 86_400


def now(emulator):
    return emulator.control("/emulator/clock")[1]["now"]


def near(moment, expected):
    return expected - 30 < moment < expected + 30


def date(emulator, url, context=None):
    """What the header says, in seconds since the epoch."""
    try:
        with urllib.request.urlopen(url, timeout=10, context=context) as answer:
            headers = answer.headers
    except urllib.error.HTTPError as error:
        headers = error.headers
    assert len(headers.get_all("Date")) == 1
    return email.utils.parsedate_to_datetime(headers["Date"]).timestamp()


@pytest.fixture(scope="module")
def behind(start):
    """Two days behind the system's clock."""
    return start("1h", clock_offset="-2days")


def test_tokens_and_their_checks_follow_the_clock(behind):
    there = time.time() - 2 * DAY
    assert near(now(behind), there)
    status, body = behind.imds()
    token = claims(body["access_token"])
    assert near(token["iat"], there) and near(int(body["expires_on"]), there + 3600) and body["expires_in"] == "3600"
    redis = behind.connect()
    assert redis("AUTH", token["oid"], body["access_token"]) == "OK"
    redis.close()
    foreign = behind.control("/emulator/clock", {"offset_ms": 0})[1]
    assert near(foreign["now"], time.time()) and foreign["scale"] == 1
    redis = behind.connect()
    assert redis("AUTH", token["oid"], body["access_token"]).startswith("-WRONGPASS")
    redis.close()
    behind.control("/emulator/clock", {"offset_ms": -2 * DAY * 1000})


def test_every_answer_is_dated_by_it(behind):
    there = time.time() - 2 * DAY
    fabric = behind.env("service_fabric")["IDENTITY_ENDPOINT"]
    insecure = ssl._create_unverified_context()
    assert near(date(behind, behind["ENTRAKEY_EMULATOR_URL"] + "/emulator/stats"), there)
    assert near(date(behind, behind["ENTRAKEY_EMULATOR_URL"] + "/nowhere"), there)
    assert near(date(behind, f"{behind['AZURE_AUTHORITY_HOST']}/common/discovery/instance", behind.tls), there)
    assert near(date(behind, fabric, insecure), there)
    answer = {"status": 200, "headers": {"Date": "Sun, 09 Sep 2001 01:46:40 GMT"}}
    behind.control("/emulator/faults", {"route": "instance", "answers": [answer]})
    scripted = date(behind, f"{behind['AZURE_AUTHORITY_HOST']}/common/discovery/instance", behind.tls)
    assert scripted == 1_000_000_000, "a script's date is left as it is"


def test_a_federated_token_and_a_secret_expire_by_it(start, tmp_path):
    file = tmp_path / "who.toml"
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + DAY))
    file.write_text(
        "tenant_id = 't'\n[[apps]]\nname = 'a'\nclient_id = 'c'\nobject_id = 'o'\n"
        f"secrets = [{{ value = 'emulated-secret', expires = '{moment}' }}]\n"
        "federated = [{ issuer = 'k', subject = 's' }]\n"
    )
    emulator = start("1h", identities=file)
    variables = emulator.env("workload_identity")
    with open(variables["AZURE_FEDERATED_TOKEN_FILE"]) as written:
        assertion = written.read()

    def federated():
        form = {"client_assertion": assertion, "client_assertion_type": FEDERATED}
        return emulator.entra(client_secret=None, **form)

    assert emulator.entra()[0] == 200 and federated()[0] == 200
    emulator.control("/emulator/clock", {"advance_ms": (DAY + 60) * 1000})
    assert emulator.entra()[1]["error_codes"] == [7000222]
    status, body = federated()
    assert body["error_codes"] == [700024]
    there = calendar.timegm(time.strptime(body["timestamp"], "%Y-%m-%d %H:%M:%SZ"))
    assert near(there, time.time() + DAY + 60)
    assert "Current time: " + body["timestamp"][:-1].replace(" ", "T") in body["error_description"]
    renewed = emulator.control("/emulator/federated_token", {})[1]
    assert near(renewed["expires_on"], time.time() + 2 * DAY + 60)
    emulator.control("/emulator/clock", {"offset_ms": 0})
    assert near(claims(renewed["token"])["iat"], time.time() + DAY + 60)
    assert emulator.entra()[0] == 200


def test_a_fast_clock_ends_connections_and_a_clock_that_stands_does_not(start):
    emulator = start("1h", clock_scale=0)
    first = now(emulator)
    redis = emulator.owner()
    assert now(emulator) == first and redis("PING") == "PONG"
    began = time.monotonic()
    emulator.control("/emulator/clock", {"scale": 3600})
    with pytest.raises(EOFError):
        redis.read()
    assert time.monotonic() - began < 60, "an hour in a second or so"
    redis.close()


@pytest.mark.parametrize("change", [{"scale": -1}, {"scale": 1e9}, {"scale": "fast"}, {"offset": 5}, {"advance_ms": 1.5}])
def test_what_no_clock_can_do_is_refused_whole(emulator, change):
    before = emulator.control("/emulator/clock")[1]
    status, body = emulator.control("/emulator/clock", {"offset_ms": 5_000_000, **change})
    assert status == 400 and body["error"]
    after = emulator.control("/emulator/clock")[1]
    assert (after["offset_ms"], after["scale"]) == (before["offset_ms"], before["scale"])


def test_no_time_is_too_far_away_to_answer(start):
    emulator = start("1h")
    for offset in (2**63 - 1, 253_402_300_799_000, -(2**63)):
        assert emulator.control("/emulator/clock", {"offset_ms": offset})[0] == 200
        assert emulator.imds()[0] == emulator.entra()[0] == emulator.control("/emulator/requests")[0] == 200
        assert emulator.entra(client_secret="wrong")[0] == 401
