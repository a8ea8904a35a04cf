"""What core offers, through Python: status, metrics, rejections, events in `logging`, credentials of azure-identity."""

import asyncio
import base64
import collections
import json
import logging
import sys
import threading
import time
import types

import pytest
from azure.identity import ManagedIdentityCredential

import entrakey


def jwt(**claims):
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{payload}.c2ln"


def supplied(life=3600.0):
    return jwt(oid="me", jti=str(time.monotonic_ns())), time.time() + life


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_status_and_metrics_follow_the_provider(emulator):
    with entrakey.Provider.managed_identity(name="cache") as provider:
        before = provider.status()
        assert (before["state"], before["ready"], before["version"]) == ("idle", False, 0)
        provider.ready()
        status = provider.status()
        assert (status["name"], status["state"], status["ready"], status["version"]) == ("cache", "fresh", True, 1)
        assert 3_500_000 < status["validity_left_ms"] <= 3_600_000
        assert status["counters"]["fetches"] == 1 and status["last_error"] is None
        secret = provider.get_token().secret
        metrics = provider.metrics()
        assert "entrakey_token_refreshes_total" in metrics and 'provider="cache"' in metrics
        assert secret not in json.dumps(status) + metrics
        with entrakey.Provider.managed_identity(name="other") as other:
            other.get_token()
            both = entrakey.render_metrics([provider, other])
            assert 'provider="cache"' in both and 'provider="other"' in both
        assert "openmetrics" in entrakey.METRICS_CONTENT_TYPE
    assert provider.status()["state"] == "closed"
    asyncio.run(ready_on_a_loop())


async def ready_on_a_loop():
    async with entrakey.Provider.managed_identity() as provider:
        await provider.ready_async()
        assert provider.status()["ready"]


def test_a_source_that_is_down_is_seen_in_the_status():
    with entrakey.Provider.managed_identity(imds_endpoint="http://127.0.0.1:9") as provider:
        with pytest.raises(entrakey.NetworkError):
            provider.ready(timeout=1)
        status = provider.status()
        assert status["state"] == "failing" and status["last_error"]["kind"] == "NETWORK" and status["attempts"] >= 1


def test_a_rejection_is_explained(emulator):
    with entrakey.Provider.managed_identity() as provider:
        token = provider.get_token()
        rejection = provider.report_rejected(token.version, "WRONGPASS invalid username-password pair")
        assert rejection.reason == "no_access_policy"
        assert token.username in rejection.explanation and "access policy" in rejection.explanation
        assert token.secret not in repr(rejection)
        assert provider.report_rejected(99, "WRONGPASS").reason == "stale_token"
        assert provider.status()["counters"]["auth_rejections"]["no_access_policy"] == 1


def test_refresh_brings_a_new_token_and_the_old_one_stays_in_service():
    with entrakey.Provider(token_callback=lambda _: supplied(), min_request_interval_ms=250) as provider:
        first = provider.get_token()
        provider.refresh()
        assert provider.get_token().expires_on
        wait_for(lambda: provider.version == 2)
        assert provider.get_token().secret != first.secret


def test_unsubscribing_can_wait_for_a_call_under_way_and_ack_counts():
    with entrakey.Provider(token_callback=lambda _: supplied(2)) as provider:
        inside, leave, left = threading.Event(), threading.Event(), threading.Event()

        def slow(token):
            inside.set()
            leave.wait(20)
            left.set()

        subscription = provider.subscribe(slow)
        acknowledging = provider.subscribe(lambda token: acknowledging.ack(token.version))
        provider.get_token()
        assert inside.wait(20)
        wait_for(lambda: provider.status()["counters"]["reauths_accepted"] >= 1)
        assert subscription.unsubscribe(timeout=0.05) is False
        leave.set()
        again = provider.subscribe(slow)
        assert left.wait(20) and again.unsubscribe(timeout=10) is True
        with pytest.raises(entrakey.InvalidArgument):
            acknowledging.unsubscribe(timeout=-1)


def test_a_subscription_can_be_ended_in_its_own_callback():
    with entrakey.Provider(token_callback=lambda _: supplied(2)) as provider:
        outcomes = []
        subscription = provider.subscribe(lambda token: outcomes.append(subscription.unsubscribe(timeout=30)))
        provider.get_token()
        wait_for(lambda: outcomes)
        assert outcomes == [True]


def test_events_are_log_records_without_secrets(emulator, caplog):
    caplog.set_level(logging.DEBUG, "entrakey")
    with entrakey.Provider.managed_identity(name="cache") as provider:
        token = provider.get_token()
        wait_for(lambda: any(record.entrakey_event == "token_refreshed" for record in caplog.records))
        (record,) = [record for record in caplog.records if record.entrakey_event == "token_refreshed"]
        assert (record.name, record.levelname, record.entrakey_provider) == ("entrakey", "INFO", "cache")
        assert record.getMessage().startswith("cache: new token: version 1")
        provider.report_rejected(token.version, "WRONGPASS")
        wait_for(lambda: any(record.entrakey_event == "rejected" for record in caplog.records))
        assert token.secret not in caplog.text and token.secret.split(".")[1] not in caplog.text


def test_a_handler_that_calls_the_provider_does_not_hang(caplog):
    """Events come with no lock of the library's held."""
    seen = []

    class Handler(logging.Handler):
        def emit(self, record):
            seen.append((provider.get_token(timeout=5).version, provider.status()["state"]))

    handler = Handler()
    logging.getLogger("entrakey").addHandler(handler)
    caplog.set_level(logging.INFO, "entrakey")
    try:
        with entrakey.Provider(token_callback=lambda _: supplied()) as provider:
            provider.get_token()
            wait_for(lambda: seen)
    finally:
        logging.getLogger("entrakey").removeHandler(handler)
    assert seen[0] == (1, "fresh")


def test_events_and_subscriptions_go_on_in_a_forked_child(run):
    outcome = run(
        """
        import base64, json, logging, os, sys, time, threading, entrakey
        def supplied(_):
            claims = base64.urlsafe_b64encode(json.dumps({"oid": "me", "n": time.time_ns()}).encode()).decode()
            return f"e30.{claims}.c2ln", time.time() + 2
        events, told = [], threading.Event()
        class Handler(logging.Handler):
            def emit(self, record):
                events.append((os.getpid(), record.entrakey_event))
        logging.getLogger("entrakey").addHandler(Handler())
        logging.getLogger("entrakey").setLevel(10)
        provider = entrakey.Provider(token_callback=supplied)
        subscription = provider.subscribe(lambda token: told.set())
        provider.get_token()
        child = os.fork()
        if child == 0:
            told.clear()
            provider.get_token()
            if not told.wait(15):
                os._exit(3)
            end = time.monotonic() + 10
            while (os.getpid(), "token_refreshed") not in events and time.monotonic() < end:
                time.sleep(0.01)
            os._exit(0 if (os.getpid(), "token_refreshed") in events else 4)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        """
    )
    assert outcome.returncode == 0, outcome.stderr


class Credential:
    """As azure-identity's: remembers which event loop it was asked on."""

    def __init__(self):
        self.asked = []

    def get_token(self, *scopes, claims=None, tenant_id=None):
        self.asked.append(scopes)
        return collections.namedtuple("AccessToken", "token expires_on")(*supplied(2))


class AsyncCredential(Credential):
    async def get_token(self, *scopes, **options):
        self.asked.append(asyncio.get_running_loop())
        await asyncio.sleep(0)
        return collections.namedtuple("AccessToken", "token expires_on")(*supplied(2))


@pytest.mark.parametrize("credential", [Credential, AsyncCredential])
def test_a_credential_of_azure_identitys_is_asked_again_and_again(credential):
    credential = credential()
    with entrakey.Provider.from_credential(credential, scope="s/.default") as provider:
        assert provider.get_token().username == "me"
        wait_for(lambda: provider.version >= 2)
    assert len(set(credential.asked)) == 1, "the scope; or the event loop, which an async credential is bound to"


def test_from_credential_takes_the_real_thing_and_nothing_else(emulator):
    with entrakey.Provider.from_credential(ManagedIdentityCredential()) as provider:
        assert provider.get_token().username == emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]
    with pytest.raises(TypeError, match="get_token, not object"):
        entrakey.Provider.from_credential(object())


FACTORIES = {
    "managed_identity": {},
    "service_principal": {"tenant_id": "t", "client_id": "c", "client_secret": "s"},
    "workload_identity": {"tenant_id": "t", "client_id": "c", "federated_token_file": __file__},
    "client_assertion": {"tenant_id": "t", "client_id": "c", "client_assertion_path": __file__},
    "azure_cli": {},
    "azure_developer_cli": {},
    "azure_pipelines": {
        "tenant_id": "t",
        "client_id": "c",
        "service_connection_id": "s",
        "system_access_token": "x",
        "oidc_request_uri": "https://localhost/x",
    },
    "token_file": {"token_file_path": __file__},
    "environment": {"tenant_id": "t", "client_id": "c", "client_secret": "s"},
    "default": {},
}


@pytest.mark.parametrize("name", FACTORIES)
def test_there_is_a_factory_for_each_identity(name):
    provider = getattr(entrakey.Provider, name)(**FACTORIES[name])
    assert isinstance(provider, entrakey.Provider) and provider.version == 0
    provider.close()


def test_the_factories_with_callbacks():
    with entrakey.Provider.custom(lambda scope: supplied()) as provider:
        assert provider.get_token().username == "me"
    with entrakey.Provider.client_assertion(lambda: "a", tenant_id="t", client_id="c") as provider:
        assert provider.status()["state"] == "idle"


def test_the_sync_call_on_a_running_loops_thread_does_not_deadlock(emulator):
    async def main():
        provider = entrakey.Provider.managed_identity()
        return provider.get_token(timeout=10).version, provider.get_credentials()[0]

    assert asyncio.run(asyncio.wait_for(main(), 20))[0] == 1


def test_what_is_dropped_while_its_callback_waits_for_the_gil_does_not_hang(run):
    outcome = run(
        """
        import base64, json, sys, time, entrakey
        def supplied(_):
            claims = base64.urlsafe_b64encode(json.dumps({"oid": "me", "n": time.time_ns()}).encode()).decode()
            return f"e30.{claims}.c2ln", time.time() + 1.5
        providers = [entrakey.Provider(token_callback=supplied) for _ in range(20)]
        told = []
        subscriptions = [provider.subscribe(told.append) for provider in providers]
        for provider in providers:
            provider.get_token()
        sys.setswitchinterval(60)           # nobody else gets the GIL from here on
        before = len(told)
        end = time.perf_counter() + 2
        while time.perf_counter() < end:    # meanwhile every callback has begun to wait for it
            pass
        assert len(told) == before
        start = time.perf_counter()
        del subscriptions, provider
        providers.clear()
        assert time.perf_counter() - start < 10  # who waits for them waits for the switch interval
        sys.setswitchinterval(0.005)
        print("done")
        """
    )
    assert outcome.stdout == "done\n" and outcome.returncode == 0, outcome


def test_uwsgi_without_threads_is_warned_about(monkeypatch):
    def make(**options):
        monkeypatch.setitem(sys.modules, "uwsgi", types.SimpleNamespace(opt=options))
        entrakey.Provider.managed_identity().close()

    with pytest.warns(RuntimeWarning, match="--enable-threads"):
        make()
    with pytest.warns(RuntimeWarning, match="--enable-threads"):
        make(**{"enable-threads": b"false"})
    make(**{"enable-threads": b"true"})  # warnings are errors here
    make(threads=b"4")


def test_a_sub_interpreter_is_refused_in_words(run):
    module = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    outcome = run(
        f"""
        import {module} as interpreters
        number = interpreters.create()
        script = '''
        try:
            import entrakey
        except ImportError as error:
            assert "sub-interpreter" in str(error), error
        else:
            raise SystemExit("it was imported")
        '''
        import textwrap
        failed = interpreters.run_string(number, textwrap.dedent(script))
        assert not failed, failed
        """
    )
    assert outcome.returncode == 0, outcome.stderr
