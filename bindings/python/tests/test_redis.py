"""Stock redis-py against the emulator: connections outlive their tokens."""

import asyncio
import contextlib
import gc
import os
import pickle
import socket
import threading
import time
import weakref

import pytest
import redis
import redis.asyncio

import entrakey
from entrakey.redis import CredentialProvider, address_remap


def options(emulator, **more):
    return {
        "host": emulator["REDIS_HOST"],
        "port": int(emulator["REDIS_PORT"]),
        "ssl": True,
        "ssl_ca_certs": emulator["REDIS_CA_FILE"],
        "retry": None,  # a connection that was dropped is an error, not a new connection
        **more,
    }


def test_asyncio_clients_on_two_loops_live_through_rotations(start_emulator):
    """Made before any loop runs, as modules do; one of them has been used on another loop before."""
    emulator = start_emulator("3s")
    lived = []
    with entrakey.Provider.managed_identity() as provider:
        credentials = CredentialProvider(provider)
        clients = [redis.asyncio.Redis(**options(emulator), credential_provider=credentials) for _ in range(2)]

        async def use_before():
            await clients[0].ping()
            await clients[0].aclose()

        async def live(client):
            connection = await client.client_id()
            await asyncio.sleep(5)
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
        # There is no other host here: what counts is whether the address is loopback's.
        monkeypatch.setattr("ipaddress.IPv4Address.is_loopback", False)
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



def test_a_child_after_fork_re_authenticates_its_own_connections(start_emulator):
    emulator = start_emulator("3s")
    with entrakey.Provider.managed_identity() as provider:
        client = redis.Redis(**options(emulator), credential_provider=CredentialProvider(provider))
        client.ping()
        child = os.fork()
        if child == 0:
            try:
                connection = client.client_id()
                end = time.monotonic() + 5
                while time.monotonic() < end:
                    client.set("key", "value")
                    time.sleep(0.01)
                os._exit(0 if client.client_id() == connection else 3)
            except BaseException:
                os._exit(4)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        client.close()
