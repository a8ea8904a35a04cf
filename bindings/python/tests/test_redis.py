"""Stock redis-py against the emulator: connections outlive their tokens."""

import asyncio
import contextlib
import ctypes
import gc
import os
import pickle
import pkgutil
import socket
import threading
import time
import weakref

import pytest
from conftest import tried
import redis
import redis.asyncio

import entrakey
from entrakey.redis import _authentication
from entrakey.redis import CredentialProvider, address_remap
from redis_options import options_without_retry as options


# On a machine that stands still for a second now and then.
LIFETIME_S = 12
# Past the end of the token that a connection was opened with.
LONG_ENOUGH_S = LIFETIME_S + 1.5


def test_asyncio_clients_on_two_loops_live_through_rotations(start_emulator):
    """Made before any loop runs, as modules do; one of them has been used on another loop before."""
    emulator = start_emulator(f"{LIFETIME_S}s")
    lived = []
    with entrakey.Provider.managed_identity() as provider:
        credentials = CredentialProvider(provider)
        clients = [redis.asyncio.Redis(**options(emulator), credential_provider=credentials) for _ in range(2)]

        async def use_before():
            await clients[0].ping()
            await clients[0].aclose()

        async def live(client):
            connection = await client.client_id()
            await asyncio.sleep(LONG_ENOUGH_S)
            lived.append(await client.client_id() == connection)
            await client.aclose()

        asyncio.run(use_before())
        threads = [threading.Thread(target=asyncio.run, args=(live(client),)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert lived == [True, True]


def test_a_client_can_be_collected_while_its_provider_lives(emulator):
    with entrakey.Provider.managed_identity() as provider:
        credentials = CredentialProvider(provider)
        client = redis.Redis(**options(emulator), credential_provider=credentials)
        client.ping()
        pool = weakref.ref(client.connection_pool)
        client.close()
        del client
        gc.collect()
        assert pool() is None


def own_retries(emulator):
    """redis-py's own retries, as a user has them."""
    settings = options(emulator)
    del settings["retry"]
    return settings


def test_a_command_while_the_source_is_down_fails_in_seconds_with_our_error(emulator):
    with entrakey.Provider.managed_identity(imds_endpoint="http://127.0.0.1:9") as provider:
        client = redis.Redis(**own_retries(emulator), credential_provider=CredentialProvider(provider))
        start = time.monotonic()
        with pytest.raises(entrakey.NetworkError) as caught:
            client.ping()
        assert time.monotonic() - start < 6
        assert isinstance(caught.value, redis.RedisError) and caught.value.retriable
        assert pickle.loads(pickle.dumps(caught.value)).code == "NETWORK"
        # The half-open connection was closed: it does not come back as one that never authenticated.
        with pytest.raises(entrakey.NetworkError):
            client.ping()


def test_an_asyncio_command_while_the_source_is_down_fails_in_seconds_with_our_error(emulator):
    async def main():
        async with entrakey.Provider.managed_identity(imds_endpoint="http://127.0.0.1:9") as provider:
            client = redis.asyncio.Redis(**own_retries(emulator), credential_provider=CredentialProvider(provider))
            start = time.monotonic()
            for _ in range(2):
                with pytest.raises(entrakey.NetworkError):
                    await client.ping()
            assert time.monotonic() - start < 8
            await client.aclose()

    asyncio.run(main())


def test_what_entra_refuses_for_good_is_said_at_once(emulator):
    with entrakey.Provider.service_principal(client_secret="wrong") as provider:
        client = redis.Redis(**own_retries(emulator), credential_provider=CredentialProvider(provider))
        start = time.monotonic()
        with pytest.raises(entrakey.AuthRejected) as caught:
            client.ping()
        assert time.monotonic() - start < 4
        assert isinstance(caught.value, redis.RedisError) and caught.value.aadsts == 7000215


def server_without_tls():
    """A port that remembers what it is sent."""
    server = socket.create_server(("127.0.0.1", 0))
    heard = []

    def serve():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                with connection:
                    heard.append(connection.recv(65536))

    threading.Thread(target=serve, daemon=True).start()
    return server, heard


def test_a_token_does_not_go_out_in_clear(emulator, monkeypatch):
    server, heard = server_without_tls()
    host, port = "127.0.0.1", server.getsockname()[1]
    with entrakey.Provider.managed_identity() as provider:
        # There is no other host here: whoever is reached without TLS is taken for one.
        peer_in_clear = _authentication._peer_in_clear
        monkeypatch.setattr(_authentication, "_peer_in_clear", lambda connection: peer_in_clear(connection) and "192.0.2.7")
        client = redis.Redis(host, port, credential_provider=CredentialProvider(provider), retry=None)
        with pytest.raises(entrakey.InvalidConfig, match="no TLS.*ssl=True.*allow_plaintext") as caught:
            client.ping()
        assert isinstance(caught.value, redis.RedisError)

        async def main():
            client = redis.asyncio.Redis(host=host, port=port, credential_provider=CredentialProvider(provider))
            with pytest.raises(entrakey.InvalidConfig, match="no TLS"):
                await client.ping()
            await client.aclose()

        asyncio.run(main())
        assert all(b"eyJ" not in data for data in heard)
        permitted = CredentialProvider(provider, allow_plaintext=True)
        with pytest.raises(redis.ConnectionError):  # that server says nothing
            redis.Redis(host, port, credential_provider=permitted, retry=None).ping()
        assert any(b"eyJ" in data for data in heard)
    server.close()


def test_an_address_of_a_cluster_is_remapped():
    assert address_remap("cache.example")(("10.0.0.4", 8501)) == ("cache.example", 8501)


def test_credentials_are_one_tuple_for_each_token_and_hide_it(emulator):
    with entrakey.Provider.managed_identity() as provider:
        credentials = CredentialProvider(provider)
        first = credentials.get_credentials()
        token = provider.get_token()
        assert first == (token.username, token.secret) == tuple(first[:]) and len(first) == 2
        assert credentials.get_credentials() is first and provider.get_credentials() is first
        assert token.secret not in repr(first) and token.secret not in repr(credentials)
        username, secret = first
        assert pickle.loads(pickle.dumps(first)) == (username, secret)
        assert asyncio.run(credentials.get_credentials_async()) is first


class Fetching(CredentialProvider):
    """Counts what was not in memory."""

    fetched = 0

    def _fetch_credentials(self):
        self.fetched += 1
        return super()._fetch_credentials()


def test_the_tuple_that_is_kept_is_handed_out_no_longer_than_its_token():
    expires_on = time.time() + 2
    answers = iter([("one", expires_on)])  # and then none
    with entrakey.Provider(token_callback=lambda _: next(answers), username="oid") as provider:
        credentials = CredentialProvider(provider)
        assert credentials.get_credentials() is credentials.get_credentials()
        time.sleep(max(expires_on - time.time(), 0) + 0.1)
        with pytest.raises(entrakey.EntrakeyError):
            credentials.get_credentials()


def test_the_tuple_that_is_kept_is_not_handed_out_once_the_provider_is_closed(emulator):
    with entrakey.Provider.managed_identity() as provider:
        credentials = CredentialProvider(provider)
        assert credentials.get_credentials() is credentials.get_credentials()
        provider.close()
        with pytest.raises(entrakey.Closed):
            credentials.get_credentials()


def test_a_newer_token_takes_the_place_of_the_tuple_that_is_kept(emulator):
    with entrakey.Provider.managed_identity(min_request_interval_ms=250) as provider:
        credentials = CredentialProvider(provider)
        first = credentials.get_credentials()
        provider.refresh()
        deadline = time.monotonic() + 20
        while provider.version == first.version:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        second = credentials.get_credentials()
        assert second.version > first.version and second[1] != first[1]


def test_a_child_starts_the_renewal_though_a_tuple_is_kept(emulator):
    """Where Python is not told of the fork, as in uWSGI."""
    with entrakey.Provider.managed_identity() as provider:
        credentials = Fetching(provider)
        first = credentials.get_credentials()
        assert credentials.get_credentials() is first and credentials.fetched == 1
        child = ctypes.PyDLL(None).fork()
        if child == 0:
            same = credentials.get_credentials() == first
            os._exit(7 if same and credentials.fetched == 2 else 3)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_a_programs_own_object_that_unpacks_credentials_is_no_connection(emulator):
    class Cache:
        def __init__(self, credentials):
            self.credential_provider = credentials

        def login(self):
            username, secret = self.credential_provider.get_credentials()
            return username, secret

    with entrakey.Provider.managed_identity() as provider:
        cache = Cache(CredentialProvider(provider))
        assert cache.login() == provider.get_credentials()
        assert set(vars(cache)) == {"credential_provider"} and cache.credential_provider._known() == []


def test_a_redis_py_that_nobody_has_tried_connects_and_a_warning_says_what_does_not_work(emulator, monkeypatch, caplog):
    """Without the attributes that re-authentication needs."""
    with entrakey.Provider.managed_identity() as provider:
        with monkeypatch.context() as patched:
            patched.setattr(CredentialProvider, "_link", lambda *_: 1 / 0)
            patched.setattr(CredentialProvider, "_registered", lambda *_: 1 / 0)
            client = redis.Redis(**options(emulator), credential_provider=CredentialProvider(provider))
            assert client.ping()
            client.close()
        assert sum("will not be re-authenticated" in record.message for record in caplog.records) == 2


def test_a_connection_that_cannot_be_renewed_holds_up_no_other(emulator, caplog):
    with entrakey.Provider.managed_identity() as provider:
        credentials = CredentialProvider(provider)
        clients = [redis.Redis(**options(emulator), credential_provider=credentials) for _ in range(2)]
        for client in clients:
            client.ping()
        del clients[0].connection_pool._lock  # as a redis-py without it
        newer = type(credentials.get_credentials())(credentials.get_credentials()[:])
        newer.version, newer.expires_on = 1000, time.time() + 3600
        credentials._renew_all(newer)
        assert [tried(link) for link in credentials._known()] == [1, 1000]
        assert "could not be re-authenticated" in caplog.text


def test_a_connection_on_many_loops_one_after_the_other_is_remembered_once(emulator):
    with entrakey.Provider.managed_identity() as provider:
        credentials = CredentialProvider(provider)
        client = redis.asyncio.Redis(**options(emulator), credential_provider=credentials)

        async def use():
            await client.ping()
            await client.connection_pool.disconnect()

        asyncio.run(use())
        before = len(weakref.finalize._registry)
        for _ in range(5):
            asyncio.run(use())
        assert len(weakref.finalize._registry) <= before
        assert len(credentials._known()) == 1


def test_a_child_after_fork_leaves_its_parents_asyncio_connections_alone(emulator):
    with entrakey.Provider.managed_identity() as provider:
        credentials = CredentialProvider(provider)

        async def main():
            client = redis.asyncio.Redis(**options(emulator), credential_provider=credentials)
            await client.ping()
            newer = type(credentials.get_credentials())(credentials.get_credentials()[:])
            newer.version = 1000
            (link,) = credentials._known()
            assert link.needs(newer)
            child = os.fork()
            if child == 0:
                os._exit(3 if link.needs(newer) else 7)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
            await client.aclose()

        asyncio.run(main())


def test_a_credential_provider_in_a_cycle_is_collected(emulator):
    with entrakey.Provider.managed_identity() as provider:
        credentials = CredentialProvider(provider)
        credentials.on_next(lambda token, me=credentials: None)
        gone = weakref.ref(credentials)
        del credentials
        gc.collect()
        assert gone() is None


def test_a_child_after_fork_re_authenticates_its_own_connections(start_emulator):
    emulator = start_emulator(f"{LIFETIME_S}s")
    with entrakey.Provider.managed_identity() as provider:
        client = redis.Redis(**options(emulator), credential_provider=CredentialProvider(provider))
        client.ping()
        child = os.fork()
        if child == 0:
            try:
                connection = client.client_id()
                end = time.monotonic() + LONG_ENOUGH_S
                while time.monotonic() < end:
                    client.set("key", "value")
                    time.sleep(0.01)
                os._exit(0 if client.client_id() == connection else 3)
            except BaseException:
                os._exit(4)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        client.close()


def test_a_credential_provider_can_be_made_by_its_dotted_name(emulator):
    """Celery and others call the class without arguments, once for each pool."""
    kind = pkgutil.resolve_name("entrakey.redis.CredentialProvider")
    one, other = kind(), kind()
    assert one.get_credentials() is other.get_credentials()
    assert emulator.token_requests() == 1


def test_a_subclass_may_take_what_arguments_it_likes(emulator):
    class Mine(entrakey.redis.CredentialProvider):
        def __init__(self, client_id=None):
            super().__init__(entrakey.Provider.managed_identity(client_id=client_id))

    assert Mine().get_credentials()[0] == emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]

    class Unfinished(entrakey.redis.CredentialProvider):
        def __init__(self):
            pass

    with pytest.raises(TypeError, match="__init__ was not called"):
        Unfinished().get_credentials()
