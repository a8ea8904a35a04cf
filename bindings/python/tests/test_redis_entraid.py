"""entrakey.redis_entraid beside the package that it stands in for."""

import asyncio
import base64
import importlib
import inspect
import json
import logging
import os
import pathlib
import subprocess
import sys
import threading
import time
import types
import warnings

import pytest
import redis
from redis.auth.err import InvalidTokenSchemaErr, RequestTokenErr
from redis.auth.idp import IdentityProviderInterface
from redis.auth.token import SimpleToken

import entrakey
from entrakey.redis_entraid import cred_provider as ours
from entrakey.redis_entraid import identity_provider

MODULES = ["cred_provider", "identity_provider"]


def both(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peer's own dependencies
        return importlib.import_module(f"redis_entraid.{name}"), importlib.import_module(f"entrakey.redis_entraid.{name}")


def names(module):
    private = {name for name in vars(module) if name.startswith("_create_provider_from_")}
    return {name for name in vars(module) if not name.startswith("_")} | private


@pytest.mark.parametrize("name", MODULES)
def test_every_name_of_the_original_is_here(name):
    original, stand_in = both(name)
    assert len(names(original)) > 20
    assert [missing for missing in sorted(names(original)) if not hasattr(stand_in, missing)] == []


@pytest.mark.parametrize("name", MODULES)
def test_what_is_called_takes_what_the_original_takes(name):
    original, stand_in = both(name)
    compared = 0
    for public in names(original):
        theirs, mine = getattr(original, public), getattr(stand_in, public)
        if getattr(theirs, "__module__", None) != original.__name__ or not callable(theirs):
            continue
        if issubclass(type(theirs), type(identity_provider.ManagedIdentityType)):
            assert [member.name for member in theirs] == [member.name for member in mine]
            continue
        compared += 1
        shapes = [[(p.name, p.kind) for p in inspect.signature(one).parameters.values()] for one in (theirs, mine)]
        assert shapes[0] == shapes[1], public
        defaults = [[p.default is p.empty for p in inspect.signature(one).parameters.values()] for one in (theirs, mine)]
        assert defaults[0] == defaults[1], public
        if inspect.isclass(theirs):
            methods = {method for method in vars(theirs) if not method.startswith("_")}
            assert methods <= set(dir(mine)), public
    assert compared >= 4


def test_a_star_import_brings_what_it_brought():
    original, _ = both("cred_provider")
    theirs, mine = {}, {}
    exec("from redis_entraid.cred_provider import *", theirs)
    exec("from entrakey.redis_entraid.cred_provider import *", mine)
    assert set(theirs) - set(mine) == set()


def test_the_root_exports_nothing_as_there():
    import entrakey.redis_entraid as root

    assert {name for name in vars(root) if not name.startswith("_")} <= set(MODULES)


def client(emulator, credentials, **more):
    return redis.Redis(
        **more,
        host=emulator["REDIS_HOST"],
        port=int(emulator["REDIS_PORT"]),
        ssl=True,
        ssl_ca_certs=emulator["REDIS_CA_FILE"],
        credential_provider=credentials,
    )


def managed(emulator):
    return ours.create_from_managed_identity(
        identity_type=ours.ManagedIdentityType.SYSTEM_ASSIGNED, resource="https://redis.azure.com/"
    )


def user_assigned(emulator):
    return ours.create_from_managed_identity(
        ours.ManagedIdentityType.USER_ASSIGNED,
        "https://redis.azure.com/",
        ours.ManagedIdentityIdType.CLIENT_ID,
        emulator["ENTRAKEY_EMULATOR_USER_ASSIGNED_CLIENT_ID"],
    )


def service_principal(emulator):
    return ours.create_from_service_principal(
        emulator["AZURE_CLIENT_ID"], emulator["AZURE_CLIENT_SECRET"], emulator["AZURE_TENANT_ID"]
    )


def default(emulator):
    return ours.create_from_default_azure_credential(("https://redis.azure.com/.default",))


@pytest.mark.parametrize("create", [managed, user_assigned, service_principal, default])
def test_each_factory_connects(emulator, create):
    credentials = create(emulator)
    assert isinstance(credentials, redis.credentials.StreamingCredentialProvider) and not credentials.is_streaming()
    username, secret = credentials.get_credentials()
    assert username and secret.count(".") == 2 and credentials.is_streaming()
    assert asyncio.run(credentials.get_credentials_async()) == (username, secret)
    connected = client(emulator, credentials)
    assert connected.ping()
    connected.close()


def test_a_password_beside_it_is_not_used(emulator, caplog):
    connected = client(emulator, managed(emulator), username="somebody", password="an-access-key")
    assert connected.ping()
    assert "beside credential_provider" in caplog.text and "an-access-key" not in caplog.text
    connected.close()


def test_the_original_enumerations_are_understood(emulator):
    theirs, _ = both("identity_provider")
    credentials = ours.create_from_managed_identity(theirs.ManagedIdentityType.SYSTEM_ASSIGNED, "https://redis.azure.com")
    assert credentials.get_credentials()[0] == emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]
    with pytest.raises(ValueError, match="required"):
        ours.create_from_managed_identity(ours.ManagedIdentityType.USER_ASSIGNED, "https://redis.azure.com")


def test_errors_match_what_programs_catch(emulator):
    credentials = ours.create_from_service_principal(emulator["AZURE_CLIENT_ID"], "wrong", emulator["AZURE_TENANT_ID"])
    with pytest.raises(RequestTokenErr) as caught:
        credentials.get_credentials()
    assert isinstance(caught.value, entrakey.AuthRejected) and isinstance(caught.value, redis.RedisError)
    assert caught.value.aadsts == 7000215
    with pytest.raises(RequestTokenErr):
        asyncio.run(credentials.get_credentials_async())
    with pytest.raises(RequestTokenErr):
        credentials._idp.request_token()


def test_an_identity_provider_can_be_asked_itself(emulator):
    config = identity_provider.ServicePrincipalIdentityProviderConfig(
        client_credential=emulator["AZURE_CLIENT_SECRET"],
        client_id=emulator["AZURE_CLIENT_ID"],
        tenant_id=emulator["AZURE_TENANT_ID"],
    )
    idp = identity_provider._create_provider_from_service_principal(config)
    first, again, new = idp.request_token(), idp.request_token(), idp.request_token(force_refresh=True)
    assert first.get_value() == again.get_value() != new.get_value()
    assert first.try_get("tid") == emulator["AZURE_TENANT_ID"] and first.try_get("oid")
    assert not first.is_expired() and 0 < first.ttl() <= 3600_000


class Own(IdentityProviderInterface):
    """What a program plugs in: opaque tokens, whose claims it says itself."""

    def __init__(self, life_ms=3_600_000):
        self.asked = []
        self.life_ms = life_ms

    def request_token(self, force_refresh=False):
        self.asked.append(force_refresh)
        now = time.time() * 1000
        return SimpleToken(f"opaque-{len(self.asked)}", now + self.life_ms, now, {"oid": "somebody"})


def config(ratio=0.7, bound=0, timeout=100, attempts=3, delay=3):
    return ours.TokenManagerConfig(ratio, bound, timeout, ours.RetryPolicy(attempts, delay))


def test_an_identity_provider_of_the_programs_own_plugs_in_and_is_renewed():
    own = Own(life_ms=2000)
    credentials = ours.EntraIdCredentialsProvider(own, config(), initial_delay_in_ms=1, block_for_initial=True)
    told, heard = [], threading.Event()
    credentials.on_next(lambda token: (told.append(token), heard.set()))
    assert credentials.get_credentials() == ("somebody", "opaque-1")
    assert heard.wait(10)
    assert (told[0].try_get("oid"), told[0].get_value()) == ("somebody", "opaque-2")
    assert own.asked[:2] == [False, True] and not told[0].is_expired() and told[0].ttl() > 0


def test_a_callback_that_raises_and_a_renewal_that_fails_are_told_to_on_error():
    class Failing(Own):
        def request_token(self, force_refresh=False):
            if len(self.asked) >= 2:
                self.asked.append(force_refresh)
                raise RequestTokenErr("no more tokens")
            return super().request_token(force_refresh)

    credentials = ours.EntraIdCredentialsProvider(Failing(life_ms=2000), config())
    errors = []

    def on_next(token):
        raise Exception("Some exception")

    credentials.on_next(on_next)
    credentials.on_error(errors.append)
    credentials.get_credentials()
    deadline = time.monotonic() + 10
    while len(errors) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert str(errors[0]) == "Some exception"
    assert any(isinstance(error, RequestTokenErr) and "no more tokens" in str(error) for error in errors)


def test_settings_that_would_end_the_renewal_are_raised_and_one_warning_says_so(caplog, monkeypatch):
    monkeypatch.setattr(ours, "_warned", False)
    caplog.set_level(logging.WARNING)
    assert ours._policy(ours._default_config()) == {} and not caplog.records, "nobody chose redis-entraid's defaults"
    higher = ours._policy(config(ratio=0.9, bound=600_000, timeout=20_000, delay=2000))
    assert higher["refresh_lower_bound_ms"] == "600000" and higher["request_timeout_ms"] == "20000"
    assert higher["retry_initial_ms"] == "2000" and higher["refresh_ratio"] == "0.9"
    assert not caplog.records
    for _ in range(2):
        lower = ours._policy(config(timeout=150, delay=5))
        assert lower["request_timeout_ms"] == "10000" and lower["retry_initial_ms"] == "500"
    (record,) = caplog.records
    assert "token_request_execution_timeout_in_ms is 10000 instead of 150, delay_in_ms is 500 instead of 5" in record.message


def test_an_outage_that_kills_the_original_is_lived_through():
    """Its renewal ends for good after three failures within 9 ms."""

    class Interrupted(Own):
        def request_token(self, force_refresh=False):
            token = super().request_token(force_refresh)
            if 2 <= len(self.asked) <= 6:
                raise RequestTokenErr("503")
            return token

    own = Interrupted(life_ms=4000)
    credentials = ours.EntraIdCredentialsProvider(own, config())
    assert credentials.get_credentials()[1] == "opaque-1"
    deadline = time.monotonic() + 20
    while credentials._provider.version < 2:
        assert time.monotonic() < deadline and credentials.get_credentials()
        time.sleep(0.01)
    assert len(own.asked) >= 7


def test_msals_applications_plug_in():
    class Application:
        def __init__(self, answer):
            self.answer, self.removed = answer, 0

        def acquire_token_for_client(self, **_):
            return self.answer

        def remove_tokens_for_client(self):
            self.removed += 1

    failing = Application({"error": "invalid_client", "error_description": "AADSTS7000215: no"})
    idp = identity_provider.ServicePrincipalProvider(failing, ["scope"])
    with pytest.raises(RequestTokenErr, match="AADSTS7000215"):
        idp.request_token(force_refresh=True)
    assert failing.removed == 1
    schema = identity_provider.ManagedIdentityProvider(Application({"access_token": "opaque"}), "resource")
    with pytest.raises(InvalidTokenSchemaErr):
        schema.request_token()


def test_who_asks_for_a_browser_gets_it_only_when_there_is_no_other_identity(monkeypatch):
    class Credential:
        def __init__(self, **options):
            assert options["exclude_interactive_browser_credential"] is False

        def get_token(self, scope):
            claims = base64.urlsafe_b64encode(json.dumps({"oid": "me", "exp": time.time() + 3600}).encode()).decode()
            return types.SimpleNamespace(token=f"e30.{claims}.c2ln")

    monkeypatch.setattr("azure.identity.DefaultAzureCredential", Credential)
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")  # which is not there
    options = {"exclude_interactive_browser_credential": False}
    credentials = ours.create_from_default_azure_credential(("scope/.default",), app_kwargs=options)
    assert credentials.get_credentials()[0] == "me"


EXAMPLES = pathlib.Path(__file__).with_name("redis_entraid_programs")


@pytest.mark.parametrize("program", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_programs_run_with_the_import_changed(emulator, program):
    """Written for redis-entraid, as its README has them; only the import differs."""
    source = program.read_text()
    assert "redis_entraid" in source and "entrakey" not in source
    changed = source.replace("from redis_entraid.", "from entrakey.redis_entraid.")
    done = subprocess.run([sys.executable, "-c", changed], env=os.environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "eyJ" not in done.stdout and done.stdout.strip(), done.stdout


SECRET = "Xb18Q~client.secret~of-an-application.42"


@pytest.mark.parametrize(
    "fault",
    [
        {"client_id": ""},
        {"timeout": "soon"},
        {"app_kwargs": {"authority": 5}},
        {"token_kwargs": {"app": None}},
        {"tenant_id": "../other"},
    ],
    ids=["client id", "timeout", "authority", "token options", "tenant"],
)
def test_no_frame_of_the_drop_in_holds_the_client_secret_when_it_fails(fault):
    arguments = {"client_id": "app", "tenant_id": "tenant", **fault}
    with pytest.raises(Exception) as raised:
        ours.create_from_service_principal(client_credential=SECRET, **arguments)
    frames = [entry.frame for entry in raised.traceback[1:]]
    assert frames and SECRET not in repr([dict(frame.f_locals) for frame in frames])


def test_the_repr_of_a_configuration_shows_no_client_secret():
    config = ours.ServicePrincipalIdentityProviderConfig(client_credential=SECRET, client_id="app")
    assert SECRET not in repr(config) and "app" in repr(config)
