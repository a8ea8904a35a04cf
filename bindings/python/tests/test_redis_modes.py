"""Every way to make a redis-py client: its connections outlive their tokens. Run with each version of redis-py that is
installed beside the newest, and with valkey-py (test_redis_versions.py)."""

import asyncio
import importlib
import os
import threading
import time

import pytest
from conftest import tried

import entrakey
from entrakey.redis import CredentialProvider, address_remap, attach
from entrakey.redis._authentication import is_open
from entrakey.redis._connection import link_of
from entrakey.redis._handshake import watch_answer
from redis_options import options

redis = importlib.import_module(os.environ.get("CLIENT_PACKAGE", "redis"))  # valkey has redis-py's names
for part in ("asyncio", "asyncio.retry", "backoff", "cluster", "retry", "sentinel"):
    importlib.import_module(f"{redis.__name__}.{part}")
VERSION = tuple(int(part) for part in redis.__version__.split(".")[:2])
# On a machine that stands still for a second now and then.
LIFETIME_S = 12
# Past the end of the token that a connection was opened with.
LONG_ENOUGH_S = LIFETIME_S + 1.5
# Between the commands of a busy client. Many of them side by side must not keep each other, and the AUTHs, off the processor;
# those that hardly pause are in test_forty_seconds.py, which runs alone.
PAUSE_S = 0.05


def url(emulator, user=""):
    scheme = {"redis": "rediss", "valkey": "valkeys"}[redis.__name__]
    return f"{scheme}://{user}{emulator['REDIS_HOST']}:{emulator['REDIS_PORT']}?ssl_ca_certs={emulator['REDIS_CA_FILE']}"


def connection_options(emulator, **more):
    """Of a connection pool, which has no option ssl."""
    return {**{name: value for name, value in options(emulator).items() if name != "ssl"}, **more}


def from_constructor(emulator, credentials, **more):
    return redis.Redis(**options(emulator, **more), credential_provider=credentials)


def from_url(emulator, credentials, **more):
    return redis.Redis.from_url(url(emulator), credential_provider=credentials, **more)


def pool(emulator, credentials, kind=redis.ConnectionPool, **more):
    more = connection_options(emulator, **more)
    return kind(connection_class=redis.SSLConnection, credential_provider=credentials, **more)


def given_a_pool(emulator, credentials, **more):
    return redis.Redis(connection_pool=pool(emulator, credentials, **more))


def from_pool(emulator, credentials, **more):
    return redis.Redis.from_pool(pool(emulator, credentials, **more))


def blocking_pool(emulator, credentials, **more):
    more["max_connections"] = 2
    return redis.Redis(connection_pool=pool(emulator, credentials, redis.BlockingConnectionPool, **more))


def full_pool(emulator, credentials, **more):
    return redis.Redis(connection_pool=pool(emulator, credentials, max_connections=1, **more))


def single_connection(emulator, credentials, **more):
    return from_constructor(emulator, credentials, single_connection_client=True, **more)


def sentinel(emulator, credentials, **more):
    """Every node of the emulator answers what is asked of a sentinel, and wants a token for it."""
    of_sentinels = {**options(emulator), "credential_provider": credentials}
    address = of_sentinels.pop("host"), of_sentinels.pop("port")
    knowing = redis.sentinel.Sentinel([address], sentinel_kwargs=of_sentinels)
    more = {**more, "ssl": True, "ssl_ca_certs": emulator["REDIS_CA_FILE"]}
    client = knowing.master_for("mymaster", credential_provider=credentials, **more)
    client.sentinel_manager = knowing
    return client


def attached(emulator, credentials, **more):
    """A framework made it, with a password that is no longer one."""
    return attach(redis.Redis(**options(emulator, password="an access key", **more)), credentials)


BLOCKING = [
    from_constructor,
    from_url,
    given_a_pool,
    from_pool,
    blocking_pool,
    full_pool,
    single_connection,
    sentinel,
    attached,
]


def no_retries(mode):
    """A connection that was dropped is an error then, not a new connection."""
    if mode is sentinel:
        return {}  # its connections always try again; the connection's number tells
    return {"retry": None} if VERSION < (6, 0) else {"retry": redis.retry.Retry(redis.backoff.NoBackoff(), 0)}


def test_blocking_clients_live_through_rotations_idle_and_busy(start_emulator):
    """One provider serves all of them: the idle ones do nothing, the busy ones never stop."""
    emulator = start_emulator(f"{LIFETIME_S}s")
    with entrakey.Provider.managed_identity() as provider:
        credentials = CredentialProvider(provider)
        made = [(mode, mode(emulator, credentials, **no_retries(mode))) for mode in BLOCKING for _ in range(2)]
        connections = [client.client_id() for _, client in made]
        failures = []

        def work(mode, client):
            try:
                while not stop.wait(PAUSE_S):
                    client.set("key", "value")
            except Exception as error:
                failures.append((mode.__name__, repr(error)))

        stop = threading.Event()
        threads = [threading.Thread(target=work, args=busy) for busy in made[1::2]]
        for thread in threads:
            thread.start()
        time.sleep(LONG_ENOUGH_S)
        stop.set()
        for thread in threads:
            thread.join()
        assert failures == []
        now = [client.client_id() for _, client in made]
        changed = [made[n][0].__name__ for n in range(len(made)) if now[n] != connections[n]]
        assert changed == []
        for _, client in made:
            knowing = getattr(client, "sentinel_manager", None)
            for one in [client, *(knowing.sentinels if knowing else [])]:  # those it was found by are clients too
                one.close()
                one.connection_pool.disconnect()


def async_from_constructor(emulator, credentials):
    return redis.asyncio.Redis(**options(emulator), credential_provider=credentials, retry=None)


def async_from_url(emulator, credentials):
    return redis.asyncio.Redis.from_url(url(emulator), credential_provider=credentials)


def async_given_a_pool(emulator, credentials, kind=redis.asyncio.ConnectionPool, **more):
    made = connection_options(emulator, **more)
    made = kind(connection_class=redis.asyncio.SSLConnection, credential_provider=credentials, **made)
    return redis.asyncio.Redis(connection_pool=made)


def async_blocking_pool(emulator, credentials):
    return async_given_a_pool(emulator, credentials, redis.asyncio.BlockingConnectionPool, max_connections=2)


def async_full_pool(emulator, credentials):
    return async_given_a_pool(emulator, credentials, max_connections=1)


def async_single_connection(emulator, credentials):
    return redis.asyncio.Redis(**options(emulator), credential_provider=credentials, single_connection_client=True)


def async_attached(emulator, credentials):
    return attach(redis.asyncio.Redis(**options(emulator, password="an access key")), credentials)


ASYNC = [
    async_from_constructor,
    async_from_url,
    async_given_a_pool,
    async_blocking_pool,
    async_full_pool,
    async_single_connection,
    async_attached,
]


def test_asyncio_clients_live_through_rotations_idle_and_busy(start_emulator):
    emulator = start_emulator(f"{LIFETIME_S}s")

    async def work(client, end):
        while time.monotonic() < end:
            await client.set("key", "value")
            await asyncio.sleep(PAUSE_S)

    async def main():
        async with entrakey.Provider.managed_identity() as provider:
            credentials = CredentialProvider(provider)
            made = [(mode, mode(emulator, credentials)) for mode in ASYNC for _ in range(2)]
            connections = [await client.client_id() for _, client in made]
            end = time.monotonic() + LONG_ENOUGH_S
            await asyncio.gather(*(work(client, end) for _, client in made[1::2]), asyncio.sleep(LONG_ENOUGH_S))
            now = [await client.client_id() for _, client in made]
            assert [made[n][0].__name__ for n in range(len(made)) if now[n] != connections[n]] == []
            for _, client in made:
                await client.aclose(close_connection_pool=True)

    asyncio.run(main())


@pytest.mark.parametrize("hears", ["listen", "get_message"])
def test_a_resp3_subscription_is_re_authenticated_by_its_reader_and_loses_nothing(start_emulator, hears):
    emulator = start_emulator(f"{LIFETIME_S}s")
    with entrakey.Provider.managed_identity() as provider:
        credentials = CredentialProvider(provider)
        client = redis.Redis.from_url(url(emulator), credential_provider=credentials, protocol=3)
        publisher = from_constructor(emulator, credentials)
        subscriptions = [client.pubsub(ignore_subscribe_messages=True) for _ in range(2)]
        heard = [[], []]
        for listening in subscriptions:
            listening.subscribe("news")

        def listen(listening, heard):
            while "end" not in heard:
                if hears == "listen":
                    for message in listening.listen():
                        heard.append(message["data"].decode())
                        if heard[-1] == "end":
                            return
                else:
                    message = listening.get_message(timeout=1)
                    if message:
                        heard.append(message["data"].decode())

        threads = [threading.Thread(target=listen, args=pair) for pair in zip(subscriptions, heard)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 10
        while publisher.publish("news", "begin") < 2:
            assert time.monotonic() < deadline
        sent, end = 0, time.monotonic() + LONG_ENOUGH_S
        while time.monotonic() < end:
            assert publisher.publish("news", sent) == 2, "a subscriber was gone for a moment"
            sent += 1
            # Pauses, in which only the readers themselves can notice a new token.
            time.sleep(0.7 if sent % 20 == 0 else PAUSE_S)
        publisher.publish("news", "end")
        for thread in threads:
            thread.join(10)
        expected = [str(n) for n in range(sent)] + ["end"]
        for told in heard:
            assert [data for data in told if data != "begin"] == expected
        for listening in subscriptions:
            listening.close()
        client.close(), publisher.close()


@pytest.mark.parametrize("protocol", [2, 3])
def test_an_asyncio_subscription_goes_on(start_emulator, protocol):
    emulator = start_emulator(f"{LIFETIME_S}s")

    async def main():
        async with entrakey.Provider.managed_identity() as provider:
            credentials = CredentialProvider(provider)
            client = redis.asyncio.Redis(**options(emulator, protocol=protocol), credential_provider=credentials)
            publisher = redis.asyncio.Redis(**options(emulator), credential_provider=credentials)
            listening = client.pubsub(ignore_subscribe_messages=True)
            await listening.subscribe("news")
            heard = []

            async def listen():
                while True:
                    try:
                        async for message in listening.listen():
                            heard.append(message["data"].decode())
                    except redis.ConnectionError:
                        pass  # in RESP2 the server closes it with its token

            reader = asyncio.ensure_future(listen())
            while await publisher.publish("news", "begin") < 1:
                await asyncio.sleep(0.01)
            sent, end = 0, time.monotonic() + LONG_ENOUGH_S
            while time.monotonic() < end:
                told = await publisher.publish("news", sent)
                assert told == 1 or protocol == 2, "the subscriber was gone for a moment"
                sent += 1
                await asyncio.sleep(0.7 if sent % 20 == 0 else PAUSE_S)
            while "end" not in heard:
                await publisher.publish("news", "end")
                await asyncio.sleep(0.02)
            reader.cancel()
            numbers = [data for data in heard if data not in ("begin", "end")]
            if protocol == 3:
                assert numbers == [str(n) for n in range(sent)]
            else:
                assert len(numbers) > sent / 2
            await listening.aclose()
            await client.aclose(), await publisher.aclose()

    asyncio.run(main())


def test_a_refused_token_says_why_and_a_result_is_not_lost_to_it(start_emulator):
    """The server takes tokens for Redis only; these are for something else."""
    emulator = start_emulator("1h")
    with entrakey.Provider.managed_identity(scope="https://vault.azure.net/.default") as provider:
        for protocol in (2, 3):
            client = from_constructor(emulator, CredentialProvider(provider), protocol=protocol, **no_retries(None))
            with pytest.raises(redis.AuthenticationError, match="set scope to https://redis.azure.com") as caught:
                client.ping()
            assert provider.get_token().secret not in str(caught.value)
            client.close()
        assert provider.status()["counters"]["auth_rejections"]["wrong_audience"] >= 2


def test_a_result_is_not_lost_because_an_auth_failed(emulator):
    """What the release of a connection does is no concern of the command whose result is on its way."""
    with entrakey.Provider.managed_identity() as provider:
        credentials = CredentialProvider(provider)
        client = from_constructor(emulator, credentials)
        client.set("key", "value")
        connection = client.connection_pool._available_connections[0]
        link = link_of(connection)
        for version, bad in ((1000, ("nobody", "no token")), (2000, ("nobody", None))):  # refused; not even sent
            announced = type(credentials.get_credentials())(bad)
            announced.version = version
            credentials._announced = announced
            assert client.get("key") == b"value"
            # The release has tried: the server has refused the first, the second never left.
            assert (tried(link) == 1000) if bad[1] else not is_open(connection)
        credentials._announced = credentials.get_credentials()
        assert client.get("key") == b"value"
        assert connection in client.connection_pool._available_connections
        client.close()


def announce_a_newer(credentials):
    """The same token as if it were the next one, and the time for connections to take it."""
    newer = type(credentials.get_credentials())(credentials.get_credentials()[:])
    newer.version = 1000
    credentials._announced = newer


@pytest.mark.parametrize("make", [full_pool, blocking_pool])
def test_a_connection_that_was_subscribed_is_an_ordinary_one_afterwards(emulator, make):
    """Its reader would take the answer to a SET for the one to its own AUTH."""
    with entrakey.Provider.managed_identity() as provider:
        credentials = CredentialProvider(provider)
        client = make(emulator, credentials, protocol=3)
        with client.pubsub() as listening:
            listening.subscribe("news")
            assert listening.get_message(timeout=5)["type"] == "subscribe"
            connection = listening.connection
            assert link_of(connection).reader is not None
        assert client.set("key", "first")
        announce_a_newer(credentials)
        assert client.set("key", "value") is True
        assert client.get("key") == b"value"
        if make is full_pool:
            assert link_of(connection).reader is None and tried(link_of(connection)) == 1000
        client.close()


def test_an_asyncio_connection_that_was_subscribed_is_an_ordinary_one_afterwards(emulator):
    async def main():
        async with entrakey.Provider.managed_identity() as provider:
            credentials = CredentialProvider(provider)
            client = async_given_a_pool(emulator, credentials, max_connections=1, protocol=3)
            async with client.pubsub() as listening:
                await listening.subscribe("news")
                assert (await listening.get_message(timeout=5))["type"] == "subscribe"
                link = link_of(listening.connection)
                assert link.reader is not None
            assert await client.set("key", "first")
            announce_a_newer(credentials)
            assert await client.set("key", "value") is True
            assert await client.get("key") == b"value"
            assert link.reader is None and tried(link) == 1000
            await client.aclose(close_connection_pool=True)

    asyncio.run(main())


def test_a_client_that_is_given_another_provider_has_its_tokens_from_then_on(emulator):
    with entrakey.Provider.managed_identity() as first, entrakey.Provider.managed_identity() as second:
        before, after = CredentialProvider(first), CredentialProvider(second)
        client = full_pool(emulator, before)
        assert client.ping()
        attach(client, after)
        client.connection_pool.disconnect()
        assert client.ping()
        (connection,) = client.connection_pool._available_connections
        assert link_of(connection) in after._known()
        announce_a_newer(before)
        assert [link for link in before._known() if link.needs(before._announced)] == []
        client.close()


def test_the_answers_of_a_command_are_not_taken_for_one_to_an_auth_that_was_never_answered(emulator):
    with entrakey.Provider.managed_identity() as provider:
        client = full_pool(emulator, CredentialProvider(provider))
        assert client.ping()
        (connection,) = client.connection_pool._available_connections
        for _ in range(3):
            connection.disconnect()
            watch_answer(link_of(connection), 1)  # AUTH was sent, and the connection broke
        assert client.ping()
        assert "read_response" not in connection.__dict__
        client.close()


def test_a_subscription_that_connects_anew_authenticates_again_only_after_its_handshake(emulator):
    """A token that arrives meanwhile: its OK must not be taken for an answer of the handshake, or the other way."""
    with entrakey.Provider.managed_identity() as provider:
        credentials = CredentialProvider(provider)
        client, publisher = (from_constructor(emulator, credentials, protocol=3) for _ in range(2))
        with client.pubsub(ignore_subscribe_messages=True) as listening:
            listening.subscribe("news")
            listening.get_message(timeout=5)
            link = link_of(listening.connection)
            announce_a_newer(credentials)
            listening.connection.disconnect()
            listening.connection.connect()
            assert tried(link) == 1 and link.reader.pending == []
            deadline = time.monotonic() + 10
            while tried(link) < 1000:
                assert listening.get_message(timeout=0.1) is None and time.monotonic() < deadline
            assert publisher.publish("news", "value") == 1
            while (message := listening.get_message(timeout=1)) is None:
                assert time.monotonic() < deadline
            assert message["data"] == b"value"
        client.close(), publisher.close()


def test_an_asyncio_subscription_that_connects_anew_authenticates_again_only_after_its_handshake(emulator):
    async def main():
        async with entrakey.Provider.managed_identity() as provider:
            credentials = CredentialProvider(provider)
            client, publisher = (async_given_a_pool(emulator, credentials, protocol=3) for _ in range(2))
            async with client.pubsub(ignore_subscribe_messages=True) as listening:
                await listening.subscribe("news")
                await listening.get_message(timeout=5)
                link = link_of(listening.connection)
                announce_a_newer(credentials)
                await listening.connection.disconnect()
                await listening.connection.connect()
                await link.reader.send(credentials._announced)
                assert tried(link) == 1 and link.reader.pending == []
                deadline = time.monotonic() + 10
                while tried(link) < 1000:
                    assert await listening.get_message(timeout=0.1) is None and time.monotonic() < deadline
                assert await publisher.publish("news", "value") == 1
                while (message := await listening.get_message(timeout=1)) is None:
                    assert time.monotonic() < deadline
                assert message["data"] == b"value"
            for one in (client, publisher):
                await one.aclose(close_connection_pool=True)

    asyncio.run(main())


def test_a_connection_that_is_re_authenticated_keeps_its_time_out(emulator):
    """Idle or released; a command that waits longer than an AUTH may take would fail otherwise."""
    with entrakey.Provider.managed_identity() as provider:
        credentials = CredentialProvider(provider)
        client = full_pool(emulator, credentials, socket_timeout=60)
        assert client.ping()
        (connection,) = client.connection_pool._available_connections
        for version, renew in ((1000, client.ping), (2000, lambda: credentials._renew_all(credentials._announced))):
            announce_a_newer(credentials)
            credentials._announced.version = version
            credentials._announced.expires_on = time.time() + 3600
            renew()
            assert tried(link_of(connection)) == version and connection._sock.gettimeout() == 60
        client.close()


@pytest.mark.parametrize("make", [full_pool, blocking_pool, single_connection])
def test_status_says_which_connections_are_open_and_on_which_token(start_emulator, make):
    emulator = start_emulator(f"{LIFETIME_S}s")
    with entrakey.Provider.managed_identity() as provider:
        client = make(emulator, CredentialProvider(provider))

        def listeners():
            return provider.status()["listeners"]

        assert client.ping() and listeners()["connections"] == 1
        deadline = time.monotonic() + 3 * LIFETIME_S
        while provider.status()["counters"]["reauths_accepted"] < 2:
            assert client.ping() and time.monotonic() < deadline, provider.status()
            time.sleep(0.005)
        assert (listeners()["oldest_version"], listeners()["stale"]) == (provider.version, 0)
        client.close(), client.connection_pool.disconnect()
        assert (listeners()["connections"], listeners()["oldest_version"]) == (0, None)


def refuse_one(emulator):
    emulator.control("POST", "/emulator/redis/faults", [{"on": "auth", "refuse": True}])


def test_a_subscription_goes_on_when_a_token_was_refused_and_takes_the_next(emulator):
    with entrakey.Provider.managed_identity(reauth_spread=0, min_request_interval_ms=250) as provider:
        client = from_constructor(emulator, CredentialProvider(provider), protocol=3)
        with client.pubsub() as listening:
            listening.subscribe("news")
            assert listening.get_message(timeout=5)["type"] == "subscribe"
            refuse_one(emulator)
            provider.refresh()
            deadline = time.monotonic() + 20
            while provider.status()["counters"]["reauths_accepted"] == 0:
                assert listening.get_message(timeout=0.05) is None and time.monotonic() < deadline
            client.publish("news", "one")
            assert listening.get_message(timeout=5)["data"] == b"one"
            assert provider.status()["counters"]["reauths_rejected"] == 1
        seen = emulator.connections(provider.get_token().username)
        assert seen["connections"] == 2, "the subscription's and the publisher's"
        client.close()


def test_what_a_subscriber_may_not_do_is_no_answer_to_its_auth(start_emulator):
    emulator = start_emulator("1h")
    with entrakey.Provider.managed_identity(reauth_spread=0, min_request_interval_ms=250) as provider:
        policy = f"/emulator/redis/policies/{provider.get_token().username}"
        emulator.control("PUT", policy, {"access": "+@all ~* &news"})
        client = from_constructor(emulator, CredentialProvider(provider), protocol=3)
        with client.pubsub() as listening:
            listening.subscribe("news")
            assert listening.get_message(timeout=5)["type"] == "subscribe"
            provider.refresh()
            while provider.version == 1:
                time.sleep(0.01)
            listening.subscribe("forbidden")
            with pytest.raises(redis.exceptions.ResponseError, match="permission"):
                while listening.get_message(timeout=5) is None:
                    pass
            deadline = time.monotonic() + 20
            while provider.status()["counters"]["reauths_accepted"] == 0:
                assert listening.get_message(timeout=0.05) is None and time.monotonic() < deadline
            assert provider.status()["counters"]["reauths_rejected"] == 0
        client.close()


def test_an_asyncio_subscription_goes_on_when_a_token_was_refused_and_takes_the_next(emulator):
    async def main():
        async with entrakey.Provider.managed_identity(reauth_spread=0, min_request_interval_ms=250) as provider:
            client = async_given_a_pool(emulator, CredentialProvider(provider), protocol=3)
            async with client.pubsub() as listening:
                await listening.subscribe("news")
                assert (await listening.get_message(timeout=5))["type"] == "subscribe"
                refuse_one(emulator)
                provider.refresh()
                deadline = time.monotonic() + 20
                while provider.status()["counters"]["reauths_accepted"] == 0:
                    assert await listening.get_message(timeout=0.05) is None and time.monotonic() < deadline
                await client.publish("news", "one")
                assert (await listening.get_message(timeout=5))["data"] == b"one"
                assert provider.status()["counters"]["reauths_rejected"] == 1
            assert emulator.connections(provider.get_token().username)["connections"] == 2
            await client.aclose(close_connection_pool=True)

    asyncio.run(main())


@pytest.mark.parametrize("pause_s", [0.02, 0])
def test_an_asyncio_clusters_connections_outlive_their_tokens(start_emulator, caplog, pause_s):
    """Its nodes keep their connections themselves, and cannot be referred to weakly. Without a pause none is ever idle."""
    emulator = start_emulator("8s", cluster_policy="oss", nodes=3)
    provider = entrakey.Provider.managed_identity()
    credentials = CredentialProvider(provider)

    def opened():
        by_object_id = emulator.control("GET", "/emulator/stats")["redis"]["by_object_id"]
        return by_object_id[emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]]

    async def main():
        cluster = redis.asyncio.RedisCluster(
            host=emulator["REDIS_HOST"],
            port=int(emulator["REDIS_PORT"]),
            ssl=True,
            ssl_ca_certs=emulator["REDIS_CA_FILE"],
            credential_provider=credentials,
            address_remap=address_remap(emulator["REDIS_HOST"]),
        )
        # Before that redis-py 7 and 8 send a command to any node, whose MOVED names the address that is not to be used.
        await cluster.initialize()
        for n in range(9):
            await cluster.set(f"key-{n}", n)
        before = opened()
        while opened()["auths"] < before["auths"] + 2 * before["connected"]:
            for n in range(9) if pause_s else 200 * [0]:
                assert await cluster.get(f"key-{n}") == str(n).encode()
            if pause_s:
                await asyncio.sleep(pause_s)
        assert opened()["expired"] == 0, "a connection was lost with its token"
        await cluster.aclose()

    with provider:
        asyncio.run(asyncio.wait_for(main(), 100))
    assert not [record for record in caplog.records if "not be re-authenticated" in record.message]
