"""Stock redis-py against the emulator: connections outlive their tokens."""

import asyncio
import gc
import os
import threading
import time
import weakref

import pytest
import redis
import redis.asyncio

import entrakey
from entrakey.redis import CredentialProvider


def options(emulator, **more):
    return {
        "host": emulator["REDIS_HOST"],
        "port": int(emulator["REDIS_PORT"]),
        "ssl": True,
        "ssl_ca_certs": emulator["REDIS_CA_FILE"],
        "retry": None,  # a connection that was dropped is an error, not a new connection
        **more,
    }


@pytest.mark.parametrize("protocol", [2, 3])
def test_one_connection_lives_through_rotations(start_emulator, protocol):
    emulator = start_emulator("4s")
    with entrakey.Provider.managed_identity() as provider:
        client = redis.Redis(**options(emulator, protocol=protocol), credential_provider=CredentialProvider(provider))
        connection = client.client_id()
        end = time.monotonic() + 10
        while time.monotonic() < end:
            client.set("key", "value")
            assert client.get("key") == b"value"
            time.sleep(0.01)
        assert client.client_id() == connection
        client.close()
    seen = emulator.connections(emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"])
    assert seen["connections"] == 1 and seen["auths"] >= 3, seen


def test_an_idle_connection_lives_through_rotations_and_a_pubsub_recovers(start_emulator):
    emulator = start_emulator("4s")
    with entrakey.Provider.managed_identity() as provider:
        credentials = CredentialProvider(provider)
        client = redis.Redis(**options(emulator), credential_provider=credentials)
        listening = redis.Redis(**options(emulator), credential_provider=credentials).pubsub()
        listening.subscribe("news")
        received, stop = [], threading.Event()

        def listen():
            while not stop.is_set():
                try:
                    message = listening.get_message(timeout=0.2, ignore_subscribe_messages=True)
                except redis.ConnectionError:
                    continue  # dropped with its token; the next call connects and subscribes again
                if message:
                    received.append(message["data"])

        reader = threading.Thread(target=listen)
        reader.start()
        connection = client.client_id()
        time.sleep(9)
        assert client.client_id() == connection
        end = time.monotonic() + 10
        while not received and time.monotonic() < end:
            client.publish("news", "still here")
            time.sleep(0.05)
        stop.set()
        reader.join()
        listening.close(), client.close()
        assert received


def test_a_subscribed_connection_reconnects_by_itself_and_nobody_else_uses_its_socket(emulator):
    object_id = emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]
    with entrakey.Provider.managed_identity() as provider:
        credentials = CredentialProvider(provider)
        client = redis.Redis(**options(emulator, protocol=3), credential_provider=credentials)
        listening = client.pubsub()
        listening.subscribe("news")
        assert listening.get_message(timeout=5)["type"] == "subscribe"
        before = emulator.connections(object_id)
        credentials._notify(provider.get_token())
        assert emulator.connections(object_id) == before, "an AUTH was sent while its reader may be reading"
        assert listening.get_message(timeout=5)["type"] == "subscribe"
        assert emulator.connections(object_id)["connections"] == before["connections"] + 1
        listening.close(), client.close()


def test_two_clients_share_one_provider_and_both_are_re_authenticated(start_emulator):
    emulator = start_emulator("4s")
    with entrakey.Provider.managed_identity() as provider:
        credentials = CredentialProvider(provider)
        clients = [redis.Redis(**options(emulator), credential_provider=credentials) for _ in range(2)]
        connections = [client.client_id() for client in clients]
        time.sleep(9)
        assert [client.client_id() for client in clients] == connections
        for client in clients:
            client.close()


def test_asyncio_connections_live_through_rotations(start_emulator):
    emulator = start_emulator("4s")

    async def main():
        async with entrakey.Provider.managed_identity() as provider:
            client = redis.asyncio.Redis(**options(emulator), credential_provider=CredentialProvider(provider))
            connection = await client.client_id()
            end = time.monotonic() + 9
            while time.monotonic() < end:
                await client.set("key", "value")
                await asyncio.sleep(0.01)
            assert await client.client_id() == connection
            await client.aclose()

    asyncio.run(main())


def test_asyncio_clients_on_two_loops_live_through_rotations(start_emulator):
    """Made before any loop runs, as modules do; one of them has been used on another loop before."""
    emulator = start_emulator("4s")
    lived = []
    with entrakey.Provider.managed_identity() as provider:
        credentials = CredentialProvider(provider)
        clients = [redis.asyncio.Redis(**options(emulator), credential_provider=credentials) for _ in range(2)]

        async def use_before():
            await clients[0].ping()
            await clients[0].aclose()

        async def live(client):
            connection = await client.client_id()
            await asyncio.sleep(9)
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


def test_a_command_while_the_source_is_down_fails_in_seconds_with_our_error(emulator):
    with entrakey.Provider.managed_identity(imds_endpoint="http://127.0.0.1:9") as provider:
        settings = options(emulator)
        del settings["retry"]  # redis-py's own, as a user has them
        client = redis.Redis(**settings, credential_provider=CredentialProvider(provider))
        start = time.monotonic()
        with pytest.raises(entrakey.NetworkError):
            client.ping()
        assert time.monotonic() - start < 6


def test_a_child_after_fork_re_authenticates_its_own_connections(start_emulator):
    emulator = start_emulator("4s")
    with entrakey.Provider.managed_identity() as provider:
        client = redis.Redis(**options(emulator), credential_provider=CredentialProvider(provider))
        client.ping()
        child = os.fork()
        if child == 0:
            try:
                connection = client.client_id()
                end = time.monotonic() + 9
                while time.monotonic() < end:
                    client.set("key", "value")
                    time.sleep(0.01)
                os._exit(0 if client.client_id() == connection else 3)
            except BaseException:
                os._exit(4)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        client.close()
