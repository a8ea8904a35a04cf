"""entrakey.Provider against the emulator: tokens, errors, threads, listeners."""

import base64
import json
import pickle
import socket
import sys
import threading
import time

import pytest

import entrakey

SECRET = "wrong-secret-that-must-not-be-shown"


def claims(token):
    payload = token.secret.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def test_a_managed_identity_gets_a_token_once(emulator):
    with entrakey.Provider.managed_identity() as provider:
        token = provider.get_token()
        assert token.username == emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"] == claims(token)["oid"]
        assert token.version == provider.version == 1
        assert abs(token.expires_on - claims(token)["exp"]) < 3
        assert token.refresh_on < token.expires_on
        for _ in range(100):
            assert provider.get_token().secret == token.secret
    assert emulator.token_requests() == 1


@pytest.mark.parametrize("key", ["client_id", "object_id", "resource_id"])
def test_a_user_assigned_identity_by_each_id(emulator, key):
    value = emulator["ENTRAKEY_EMULATOR_USER_ASSIGNED_" + key.upper()]
    with entrakey.Provider.managed_identity(**{key: value}) as provider:
        assert provider.get_token().username == emulator["ENTRAKEY_EMULATOR_USER_ASSIGNED_OBJECT_ID"]


def test_a_service_principal_over_tls(emulator):
    with entrakey.Provider.service_principal() as provider:  # ids, secret and CA from the environment
        token = provider.get_token()
    assert token.username == emulator["ENTRAKEY_EMULATOR_SERVICE_PRINCIPAL_OBJECT_ID"]
    assert claims(token)["tid"] == emulator["AZURE_TENANT_ID"]


def test_neither_repr_nor_str_shows_the_secret(emulator):
    with entrakey.Provider.managed_identity() as provider:
        token = provider.get_token()
        for shown in (repr(token), str(token), repr(provider), str(vars(type(token)))):
            assert token.secret not in shown and token.secret.split(".")[1] not in shown


def test_unknown_and_missing_keys_are_named():
    with pytest.raises(entrakey.InvalidConfig, match='did you mean "client_id"') as caught:
        entrakey.Provider(identity="managed_identity", client_Id="x")
    assert caught.value.code == "INVALID_CONFIG" and not caught.value.retriable
    with pytest.raises(entrakey.InvalidConfig, match="AZURE_TENANT_ID"):
        entrakey.Provider(identity="service_principal")
    with pytest.raises(TypeError, match="callable"):
        entrakey.Provider(token_callback="a token")
    with pytest.raises(TypeError, match="not list"):
        entrakey.Provider(identity=["managed_identity"])


def test_a_wrong_secret_is_refused_at_once_with_its_number_and_remedy(emulator):
    start = time.monotonic()
    with entrakey.Provider.service_principal(client_secret=SECRET) as provider:
        with pytest.raises(entrakey.AuthRejected, match="client_secret") as caught:
            provider.get_token()
    error = caught.value
    assert (error.aadsts, error.http_status, error.retriable) == (7000215, 401, False)
    assert error.correlation_id and error.correlation_id in str(error)
    assert SECRET not in str(error) and SECRET not in repr(error)
    assert time.monotonic() - start < 10
    assert pickle.loads(pickle.dumps(error)).aadsts == 7000215


def test_a_missing_secret_names_the_key_and_the_variables(emulator, monkeypatch):
    monkeypatch.delenv("AZURE_CLIENT_SECRET")
    with pytest.raises(entrakey.InvalidConfig, match="client_secret.*AZURE_CLIENT_SECRET"):
        entrakey.Provider.service_principal()


def test_an_unreachable_endpoint_is_an_error_within_the_deadline():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound but not listening: refuses
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with entrakey.Provider.managed_identity(imds_endpoint=endpoint) as provider:
            start = time.monotonic()
            with pytest.raises(entrakey.NetworkError, match="managed identity") as caught:
                provider.get_token(timeout=2)
            assert time.monotonic() - start < 10
            assert caught.value.retriable
            start = time.monotonic()
            with pytest.raises(entrakey.NetworkError):
                provider.get_token(wait=False)
            assert time.monotonic() - start < 10  # its own deadline would be 30 s


def test_a_token_without_the_claim_says_what_to_set(emulator):
    client_id = emulator["ENTRAKEY_EMULATOR_WITHOUT_OID_CLIENT_ID"]
    with entrakey.Provider.managed_identity(client_id=client_id) as provider:
        with pytest.raises(entrakey.UsernameUnavailable, match='"oid".*username'):
            provider.get_token()
    with entrakey.Provider.managed_identity(client_id=client_id, username="me") as provider:
        assert provider.get_token().username == "me"


def test_an_identity_that_is_not_attached(emulator):
    with entrakey.Provider.managed_identity(client_id="00000000-0000-0000-0000-00000000dead") as provider:
        with pytest.raises(entrakey.IdentityUnavailable, match="client_id"):
            provider.get_token()


def test_a_hundred_threads_on_an_empty_cache_cause_one_request(emulator):
    with entrakey.Provider.managed_identity() as provider:
        barrier = threading.Barrier(100)
        tokens = []

        def ask():
            barrier.wait()
            tokens.append(provider.get_token().secret)

        threads = [threading.Thread(target=ask) for _ in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(tokens) == 100 and len(set(tokens)) == 1
    assert emulator.token_requests() == 1


def test_tokens_are_replaced_in_time_and_listeners_told(start_emulator):
    start_emulator("6s")
    with entrakey.Provider.managed_identity() as provider:
        told = []
        subscription = provider.subscribe(told.append)
        first = provider.get_token()
        end = time.monotonic() + 60
        while len(told) < 2 and time.monotonic() < end:
            asked = time.time()
            assert provider.get_token().expires_on > asked
            time.sleep(0.01)
        versions = [token.version for token in told]
        assert versions == sorted(set(versions)) and len(versions) >= 2, versions
        assert first.version not in versions
        subscription.unsubscribe()


def test_a_listener_that_raises_harms_nobody(start_emulator, monkeypatch):
    start_emulator("6s")
    raised = []
    monkeypatch.setattr(sys, "unraisablehook", raised.append)
    with entrakey.Provider.managed_identity() as provider:
        told = threading.Event()
        bad = provider.subscribe(lambda token: 1 / 0)
        good = provider.subscribe(lambda token: told.set())
        provider.get_token()
        assert told.wait(10)
        end = time.monotonic() + 10
        while not raised and time.monotonic() < end:
            time.sleep(0.01)
        assert raised[0].exc_type is ZeroDivisionError
        bad.unsubscribe(), good.unsubscribe()


def test_after_close_everything_says_so(emulator):
    provider = entrakey.Provider.managed_identity()
    provider.get_token()
    provider.close()
    provider.close()
    assert provider.current() is None
    for call in (provider.get_token, lambda: provider.subscribe(print)):
        with pytest.raises(entrakey.Closed):
            call()
