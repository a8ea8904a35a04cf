"""Tokens and assertions that the host supplies itself."""

import asyncio
import base64
import collections
import json
import time

import entrakey
import pytest


def jwt(**claims):
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{payload}.c2ln"


AccessToken = collections.namedtuple("AccessToken", "token expires_on")  # as azure-core's
LATER = time.time() + 3600


class TokenInfo:
    token = jwt(oid="me")
    expires_on = int(LATER)


async def asynchronous(_scope):
    await asyncio.sleep(0)
    return jwt(oid="me", exp=LATER)


@pytest.mark.parametrize(
    "supply",
    [
        lambda _: jwt(oid="me", exp=LATER),
        lambda _: (jwt(oid="me"), LATER),
        lambda _: AccessToken(jwt(oid="me"), int(LATER)),
        lambda _: TokenInfo(),
        asynchronous,
    ],
    ids=["text", "pair", "named tuple", "object", "async"],
)
def test_a_callback_gives_what_credentials_give(supply):
    scopes = []

    def remember(scope):
        scopes.append(scope)
        return supply(scope)

    with entrakey.Provider(token_callback=remember) as provider:
        assert provider.get_token().username == "me"
    assert scopes == ["https://redis.azure.com/.default"]


@pytest.mark.parametrize(
    ("supply", "says"),
    [
        (lambda _: 1 / 0, "ZeroDivisionError"),
        (lambda _: None, "not NoneType"),
        (lambda _: (jwt(oid="me"), float("inf")), "unit"),
        (lambda _: (jwt(oid="me"), LATER * 1000), "unit"),
        (lambda: jwt(oid="me"), "TypeError"),
    ],
    ids=["raises", "gives nothing", "for ever", "milliseconds", "takes no scope"],
)
def test_a_callback_that_fails_is_an_error_of_its_own_kind(supply, says):
    with entrakey.Provider(token_callback=supply, retry_initial_ms=30000) as provider:
        with pytest.raises(entrakey.CallbackFailed, match=says):
            provider.get_token()


def test_asking_for_a_token_in_the_callback_that_supplies_it_is_an_error_at_once():
    inside = []

    def ask_again(_scope):
        try:
            provider.get_token()
        except entrakey.CallbackFailed as error:
            inside.append(str(error))
        return jwt(oid="me", exp=LATER)

    with entrakey.Provider(token_callback=ask_again) as provider:
        assert provider.get_token().username == "me"
    assert "wait for itself" in inside[0]


def test_a_wrong_password_of_an_exception_is_not_repeated_if_it_looks_like_a_token():
    def leak(_scope):
        raise RuntimeError(f"refused: {jwt(oid='me', secret='x' * 40)}")

    with entrakey.Provider(token_callback=leak, retry_initial_ms=30000) as provider:
        with pytest.raises(entrakey.CallbackFailed, match=r"refused: (e30\.)?\[token\]"):
            provider.get_token()
