"""Tokens and assertions that the host supplies itself."""

import asyncio
import base64
import collections
import datetime
import functools
import gc
import json
import time
import weakref

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
        lambda _: (jwt(oid="me"), datetime.datetime.fromtimestamp(LATER, datetime.timezone.utc)),
        lambda _: AccessToken(jwt(oid="me"), int(LATER)),
        lambda _: TokenInfo(),
        asynchronous,
    ],
    ids=["text", "pair", "pair with a datetime", "named tuple", "object", "async"],
)
def test_a_callback_gives_what_credentials_give(supply):
    scopes = []

    def remember(scope):
        scopes.append(scope)
        return supply(scope)

    with entrakey.Provider(token_callback=remember) as provider:
        token = provider.get_token()
        assert token.username == "me" and abs(token.expires_on - LATER) < 10
    assert scopes == ["https://redis.azure.com/.default"]


@pytest.mark.parametrize(
    ("supply", "says"),
    [
        (lambda _: 1 / 0, "ZeroDivisionError"),
        (lambda _: None, "not NoneType"),
        (lambda _: (jwt(oid="me"), float("inf")), "unit"),
        (lambda _: (jwt(oid="me"), LATER * 1000), "unit"),
        (lambda _: (jwt(oid="me"), "2031-01-01T00:00:00Z"), "expires_on is a number of seconds .*, not str"),
        (lambda _: (jwt(oid="me"), str(LATER)), "expires_on is a number of seconds .*, not str"),
        (lambda _: (jwt(oid="me"), datetime.datetime.fromtimestamp(LATER)), "not datetime without a time zone"),
        (lambda _: AccessToken(jwt(oid="me"), datetime.date(2031, 1, 1)), "not date"),
        (lambda scope, tenant: jwt(oid="me"), "TypeError"),
    ],
    ids=["raises", "gives nothing", "for ever", "milliseconds", "text", "digits", "no zone", "day", "takes more than a scope"],
)
def test_a_callback_that_fails_is_an_error_of_its_own_kind(supply, says):
    with entrakey.Provider(token_callback=supply, retry_initial_ms=30000) as provider:
        with pytest.raises(entrakey.CallbackFailed, match=says):
            provider.get_token()


def retrying(function):
    @functools.wraps(function)
    def call(*args, **kwargs):
        return function(*args, **kwargs)

    return call


def without_scope():
    return jwt(oid="me", exp=LATER)


async def async_without_scope():
    return without_scope()


class Source:
    def token(self):
        return without_scope()

    def __call__(self, *, claims=None):
        return without_scope()


@pytest.mark.parametrize(
    "supply",
    [
        without_scope,
        retrying(without_scope),
        async_without_scope,
        Source().token,
        Source(),
        functools.partial(lambda scope: without_scope(), "s"),
    ],
    ids=["function", "decorated", "async", "method", "object", "partial"],
)
def test_a_callback_that_takes_nothing_is_called_with_nothing(supply):
    with entrakey.Provider(token_callback=supply) as provider:
        assert provider.get_token().username == "me"


@pytest.mark.parametrize(
    "supply",
    [lambda *scopes: scopes[0], lambda scope="none": scope, retrying(lambda scope: scope)],
    ids=["any", "optional", "decorated"],
)
def test_a_callback_that_can_take_the_scope_is_given_it(supply):
    seen = []

    @functools.wraps(supply)
    def remember(*scopes):
        seen.append(supply(*scopes))
        return jwt(oid="me", exp=LATER)

    with entrakey.Provider(token_callback=remember) as provider:
        provider.get_token()
    assert seen == ["https://redis.azure.com/.default"]


def test_an_option_of_the_wrong_type_is_named():
    for key, value, wanted in [
        ("client_id", ["me"], "client_id takes text or a path, not list"),
        ("request_timeout_ms", object(), "request_timeout_ms takes a number of milliseconds, not object"),
        ("send_certificate_chain", {}, "send_certificate_chain takes a bool, not dict"),
        ("client_secret", b"secret", "client_secret takes text, not bytes"),
    ]:
        with pytest.raises(TypeError, match=wanted):
            entrakey.Provider(**{key: value})
    with pytest.raises(entrakey.InvalidConfig, match="clientid"):
        entrakey.Provider(clientid=["me"])


class Session:
    """As azure.identity.aio's credentials with aiohttp: it belongs to the loop on which it was used first."""

    def __init__(self):
        self.loop = None

    async def __aenter__(self):
        await self.get_token("s/.default")
        return self

    async def __aexit__(self, *_):
        pass

    async def get_token(self, *scopes, claims=None, tenant_id=None, **options):
        loop = asyncio.get_running_loop()
        if self.loop not in (None, loop):
            raise RuntimeError("Timeout context manager should be used inside a task")
        self.loop = loop
        await asyncio.sleep(0)
        return AccessToken(jwt(oid="me", jti=time.monotonic_ns()), time.time() + 2)


async def renewed(provider):
    await provider.get_token_async(20)
    while provider.version < 3:
        await asyncio.sleep(0.01)


def test_an_async_credential_is_asked_on_the_loop_of_its_owner():
    async def main():
        async with Session() as session, entrakey.Provider.from_credential(session) as provider:
            await asyncio.wait_for(renewed(provider), 30)

    asyncio.run(main())


def test_an_async_credential_made_before_the_loop_moves_to_the_first_that_awaits_it():
    session = Session()
    with entrakey.Provider(token_callback=lambda scope: session.get_token(scope)) as provider:

        async def main():
            await session.get_token("s/.default")
            await asyncio.wait_for(renewed(provider), 30)

        asyncio.run(main())


def test_a_wait_that_would_stop_the_loop_of_its_own_token_is_refused_at_once():
    async def main():
        async with Session() as session, entrakey.Provider.from_credential(session) as provider:
            for ask in provider.get_token, provider.get_credentials, provider.ready:
                with pytest.raises(entrakey.CallbackFailed, match="event loop.*get_token_async"):
                    ask()
            assert provider.status()["counters"]["fetches"] == 0
            assert (await asyncio.to_thread(provider.get_token, 20)).username == "me"
            assert provider.get_token().username == "me"

    asyncio.run(main())


def test_a_callback_whose_nature_nobody_knows_never_deadlocks():
    async def main():
        with entrakey.Provider(token_callback=lambda scope: asynchronous(scope)) as provider:
            return provider.get_token(20).username

    assert asyncio.run(main()) == "me"


def test_an_async_credential_whose_loop_has_ended_says_so():
    async def main():
        async with Session() as session:
            return entrakey.Provider.from_credential(session, retry_initial_ms=30000)

    with asyncio.run(main()) as provider:
        with pytest.raises(entrakey.CallbackFailed, match="event loop.*has been closed"):
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


class Owner:
    """A program's own object, which has a provider and whose methods that one calls."""

    def __init__(self):
        self.provider = entrakey.Provider(token_callback=self.supply)
        self.subscription = self.provider.subscribe(self.hear)

    def supply(self):
        return jwt(oid="me", exp=LATER)

    def hear(self, token):
        pass


@pytest.mark.parametrize("used", [False, True])
def test_a_provider_whose_callbacks_belong_to_its_owner_is_collected_with_him(used):
    owner = Owner()
    if used:
        assert owner.provider.get_token().username == "me"
    gone = weakref.ref(owner), weakref.ref(owner.provider), weakref.ref(owner.subscription)
    del owner
    gc.collect()
    assert [one() for one in gone] == [None, None, None]


@pytest.mark.parametrize("kind", ["token_callback", "assertion_callback"])
def test_a_provider_that_its_own_callback_holds_is_collected(kind):
    held = []
    more = {"tenant_id": "tenant", "client_id": "client"} if kind == "assertion_callback" else {}
    provider = entrakey.Provider(**{kind: lambda held=held: held[0]}, **more)
    held.append(provider)
    subscription = provider.subscribe(lambda token, held=held: held[0])
    held.append(subscription)
    gone = weakref.ref(provider), weakref.ref(subscription)
    del held, provider, subscription
    gc.collect()
    assert [one() for one in gone] == [None, None]
