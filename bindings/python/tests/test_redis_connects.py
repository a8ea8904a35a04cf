"""What a client of any kind meets when it connects: a user name or password of its own beside the provider, a server that
refuses the token, a token that does not come, a connection that has gone. Run as test_redis_modes.py is."""

import asyncio
import socket
import threading
import time

import pytest
from conftest import tried
from test_redis_modes import (
    BLOCKING,
    async_blocking_pool,
    async_from_constructor,
    async_from_url,
    async_given_a_pool,
    async_single_connection,
    blocking_pool,
    from_constructor,
    options,
    redis,
    single_connection,
    url,
)

import entrakey
from entrakey.redis._authentication import is_open
from entrakey.redis import CredentialProvider, address_remap


def warnings_of(caplog):
    """All that were logged, one at least: the provider logs on a thread of its own."""
    deadline = time.monotonic() + 20
    while not (warnings := [record for record in caplog.records if record.levelname == "WARNING"]):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return warnings


def test_a_refused_token_is_one_warning_with_its_cause_however_often_a_client_tries(start_emulator, caplog):
    emulator = start_emulator("1h")
    with entrakey.Provider.managed_identity(name="cache", scope="https://vault.azure.net/.default") as provider:
        credentials = CredentialProvider(provider)

        async def use():
            retry = redis.asyncio.retry.Retry(redis.backoff.NoBackoff(), 5)
            client = redis.asyncio.Redis(**options(emulator), credential_provider=credentials, retry=retry)
            with pytest.raises(redis.AuthenticationError):
                await client.ping()
            await client.aclose()

        for _ in range(3):
            client = from_constructor(emulator, credentials, retry=redis.retry.Retry(redis.backoff.NoBackoff(), 10))
            with pytest.raises(redis.AuthenticationError):
                client.ping()
            client.close()
        asyncio.run(use())
        provider.report_rejected(1, "LOADING Redis is loading the dataset in memory")
        own = [record for record in warnings_of(caplog) if getattr(record, "entrakey_provider", "cache") == "cache"]
        said = [record.getMessage() for record in own]
        assert len(set(said)) == len(said) <= provider.version, "one for each token"
        warning = own[0]
        assert warning.getMessage().startswith("cache: The server refused token version 1")
        assert "set scope to https://redis.azure.com" in warning.getMessage()
        assert (warning.entrakey_event, warning.entrakey_provider) == ("rejected", "cache")
        assert provider.get_token().secret not in caplog.text
        assert provider.status()["counters"]["auth_rejections"]["wrong_audience"] >= 4


def test_a_pool_whose_connections_are_all_refused_is_one_warning(emulator, caplog):
    with entrakey.Provider.managed_identity() as provider:
        credentials = CredentialProvider(provider)
        client = from_constructor(emulator, credentials)
        command = ["_"] if redis.__name__ == "valkey" else []
        taken = [client.connection_pool.get_connection(*command) for _ in range(3)]
        for connection in taken:
            client.connection_pool.release(connection)
        bad = type(credentials.get_credentials())(("nobody", "no token"))
        bad.version, bad.expires_on = 1000, time.time() + 3600
        credentials._renew_all(bad)
        assert [(tried(link), is_open(link.connection())) for link in credentials._known()] == [(1000, True)] * 3
        assert len(warnings_of(caplog)) == 1
        client.close()


KEY = "an-access-key"


def said_of_a_users_own(caplog):
    """What was said of a user name or password beside the provider, and nothing shows it."""
    assert KEY not in caplog.text
    said = [record.getMessage() for record in caplog.records if "beside credential_provider" in record.getMessage()]
    caplog.clear()
    return said


def test_a_user_name_or_password_beside_the_provider_is_not_used_and_that_is_said_once(emulator, caplog):
    with entrakey.Provider.managed_identity() as provider:
        for mode in BLOCKING[:-1]:  # which replaces the password, and is asked to
            for given in ({"password": KEY}, {"username": "somebody", "password": KEY}):
                client = mode(emulator, CredentialProvider(provider), **given)
                assert client.ping() and client.ping(), mode.__name__
                client.connection_pool.disconnect()
                assert client.ping(), mode.__name__
                (said,) = said_of_a_users_own(caplog)
                assert ("a username and a password, in" if len(given) == 2 else "a password, in") in said
                client.close(), client.connection_pool.disconnect()
        client = redis.Redis.from_url(url(emulator, f"somebody:{KEY}@"), credential_provider=CredentialProvider(provider))
        assert client.ping() and len(said_of_a_users_own(caplog)) == 1
        client.close()
        with pytest.raises(redis.DataError):  # of other providers' it is not for us to say
            redis.Redis(password=KEY, credential_provider=redis.CredentialProvider()).ping()


def test_in_asyncio_too_a_user_name_or_password_beside_the_provider_is_not_used(emulator, caplog):
    async def main():
        async with entrakey.Provider.managed_identity() as provider:
            given = {"username": "somebody", "password": KEY}
            for make in (
                lambda own: redis.asyncio.Redis(**options(emulator), **given, credential_provider=own),
                lambda own: redis.asyncio.Redis.from_url(url(emulator, f":{KEY}@"), credential_provider=own),
                lambda own: async_given_a_pool(emulator, own, **given),
                lambda own: async_given_a_pool(emulator, own, redis.asyncio.BlockingConnectionPool, **given),
            ):
                client = make(CredentialProvider(provider))
                assert await client.ping() and len(said_of_a_users_own(caplog)) == 1
                await client.aclose(close_connection_pool=True)

    asyncio.run(main())


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_cluster_does_not_use_a_password_beside_the_provider_either(start_emulator, caplog, asynchronous):
    emulator = start_emulator("1h", cluster_policy="oss", nodes=3)
    remap = address_remap(emulator["REDIS_HOST"])

    async def use(provider):
        cluster = redis.asyncio.RedisCluster.from_url(
            url(emulator, f"somebody:{KEY}@"), credential_provider=CredentialProvider(provider), address_remap=remap
        )
        await cluster.initialize()
        assert await cluster.set("key", "value")
        await cluster.aclose()

    with entrakey.Provider.managed_identity() as provider:
        if asynchronous:
            asyncio.run(use(provider))
        else:
            given = {"password": KEY, "credential_provider": CredentialProvider(provider)}
            cluster = redis.RedisCluster(**options(emulator), **given, address_remap=remap)
            assert cluster.set("key", "value")
            cluster.close()
    assert len(said_of_a_users_own(caplog)) == 1


@pytest.fixture
def awaited():
    """A server on loopback, a provider whose token does not come, and what says that somebody waits for it."""
    asked, ended = threading.Event(), threading.Event()

    def supply():
        asked.set()
        ended.wait(60)
        return "secret", time.time() + 3600

    with socket.create_server(("127.0.0.1", 0)) as server, entrakey.Provider(token_callback=supply, username="me") as provider:
        yield server, CredentialProvider(provider), asked
        ended.set()


def has_only_seen_one_connection_which_is_closed(server):
    connection, _ = server.accept()
    with connection:
        connection.settimeout(10)
        assert connection.recv(1) == b""
    server.setblocking(False)
    with pytest.raises(BlockingIOError):
        server.accept()


WAYS_TO_CLOSE = {
    "client": lambda client: client.aclose(),
    "pool": lambda client: client.connection_pool.disconnect(),
}


@pytest.mark.parametrize("way", WAYS_TO_CLOSE)
def test_an_asyncio_client_that_is_closed_while_its_token_is_awaited_ends_there_and_then(awaited, way):
    server, credentials, asked = awaited

    async def main():
        client = redis.asyncio.Redis(host="127.0.0.1", port=server.getsockname()[1], credential_provider=credentials)
        command = asyncio.ensure_future(client.ping())
        assert await asyncio.to_thread(asked.wait, 20)
        await WAYS_TO_CLOSE[way](client)
        with pytest.raises(redis.ConnectionError):
            await command
        assert asyncio.all_tasks() == {asyncio.current_task()}
        has_only_seen_one_connection_which_is_closed(server)
        await client.aclose()

    asyncio.run(main())


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_blocking_client_that_is_closed_while_its_token_is_awaited_ends_there_and_then(awaited, protocol):
    server, credentials, asked = awaited
    address = {"host": "127.0.0.1", "port": server.getsockname()[1]}
    client = redis.Redis(**address, credential_provider=credentials, protocol=protocol)
    errors = []

    def command():
        try:
            client.ping()
        except redis.ConnectionError as error:
            errors.append(error)

    thread = threading.Thread(target=command)
    thread.start()
    assert asked.wait(20)
    client.close()
    thread.join(20)
    assert len(errors) == 1 and not thread.is_alive()
    has_only_seen_one_connection_which_is_closed(server)


def test_an_asyncio_connect_that_is_cancelled_while_its_token_is_awaited_leaves_nothing(awaited):
    server, credentials, asked = awaited

    async def main():
        client = redis.asyncio.Redis(host="127.0.0.1", port=server.getsockname()[1], credential_provider=credentials)
        command = asyncio.ensure_future(client.ping())
        assert await asyncio.to_thread(asked.wait, 20)
        command.cancel()
        with pytest.raises(asyncio.CancelledError):
            await command
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await client.aclose()
        has_only_seen_one_connection_which_is_closed(server)

    asyncio.run(main())


def next_token(credentials):
    newer = type(credentials.get_credentials())(credentials.get_credentials()[:])
    newer.version, newer.expires_on = 1000, time.time() + 3600
    credentials._announced = newer
    return newer


@pytest.mark.parametrize("gone", ["the server", "the socket"])
def test_a_connection_that_has_gone_is_no_failure(emulator, caplog, gone):
    with entrakey.Provider.managed_identity() as provider:
        credentials = CredentialProvider(provider)
        modes = [from_constructor, blocking_pool, single_connection]
        clients = [mode(emulator, credentials) for mode in modes]
        assert all(client.ping() for client in clients)
        if gone == "the server":
            emulator.control("POST", "/emulator/redis/stop")
        else:
            for link in credentials._known():
                link.connection()._sock.shutdown(socket.SHUT_RDWR)
        newer = next_token(credentials)
        credentials._renew_all(newer)
        assert [link.needs(newer) for link in credentials._known()] == [False] * 3
        assert provider.status()["counters"]["auth_rejections"] == {}
        assert [record.getMessage() for record in caplog.records if record.levelname != "INFO"] == []
        if gone == "the server":
            emulator.control("POST", "/emulator/redis/start")
        assert all(client.ping() for client in clients)
        for client in clients:
            client.close(), client.connection_pool.disconnect()


def test_an_asyncio_connection_that_has_gone_is_no_failure(emulator, caplog):
    async def main():
        async with entrakey.Provider.managed_identity() as provider:
            credentials = CredentialProvider(provider)
            modes = [async_from_constructor, async_from_url, async_blocking_pool, async_single_connection]
            clients = [mode(emulator, credentials) for mode in modes]
            for client in clients:
                await client.ping()
            emulator.control("POST", "/emulator/redis/stop")
            newer = next_token(credentials)
            await credentials._renew_on(asyncio.get_running_loop(), newer)
            assert [link.needs(newer) for link in credentials._known()] == [False] * 4
            assert provider.status()["counters"]["auth_rejections"] == {}
            assert [record.getMessage() for record in caplog.records if record.levelname != "INFO"] == []
            emulator.control("POST", "/emulator/redis/start")
            for client in clients:
                assert await client.ping()
                await client.aclose(close_connection_pool=True)

    asyncio.run(main())
