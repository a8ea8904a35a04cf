"""Everything at once for forty seconds with tokens of five: no error, no lost message, every connection on the newest
token. `make test` runs it by itself: beside the other tests two processors are too few for all its connections.

What the protocol does not allow is not asked for: a connection that waits in BLPOP cannot authenticate meanwhile, nor
can a subscription in RESP2. The server closes those with their token and redis-py connects anew: an element that the
server takes out of a list in that very moment is lost. Here a list is fed often enough for its readers to return.
"""

import asyncio
import contextlib
import threading
import time

import redis
import redis.asyncio
import redis.asyncio.cluster
import redis.cluster

import entrakey
from entrakey.redis import CredentialProvider, address_remap
from redis_options import options

LIFETIME_S = 5
SECONDS = 40
POOL = 20


class Trial:
    def __init__(self, single, cluster, credentials, cluster_credentials):
        self.single, self.cluster = single, cluster
        self.credentials, self.cluster_credentials = credentials, cluster_credentials
        self.settled = threading.Event()
        self.failures = []
        self.done = threading.Event()
        self.count = {}
        self.to_close = contextlib.ExitStack()

    def client(self, **more):
        client = redis.Redis(**options(self.single, **more), credential_provider=self.credentials)
        self.to_close.callback(client.close)
        return client

    def work(self, name, step):
        """step() again and again until the time is over."""
        try:
            while not self.done.is_set():
                step()
                self.count[name] = self.count.get(name, 0) + 1
                time.sleep(0.02)
        except Exception as error:
            self.failures.append((name, repr(error)))

    def blocking_pool(self):
        """Twenty connections; each thread has one at a time, and pauses."""
        client = self.client()
        together = threading.Barrier(POOL)

        def step():
            with client.pipeline() as pipeline:
                pipeline.set("key", "value").get("key")
                assert pipeline.execute() == [True, b"value"]
            time.sleep(0.2)

        def first():
            connection = client.connection_pool.get_connection()
            together.wait(20)  # now there are twenty
            client.connection_pool.release(connection)
            self.work("blocking pool", step)

        return [threading.Thread(target=first) for _ in range(POOL)]

    def asyncio_pool(self):
        async def step(client, end):
            while time.monotonic() < end:
                await client.set("key", "value")
                assert await client.get("key") == b"value"
                self.count["asyncio pool"] = self.count.get("asyncio pool", 0) + 1
                await asyncio.sleep(0.2)

        async def main():
            client = redis.asyncio.Redis(**options(self.single), credential_provider=self.credentials)
            cluster = redis.asyncio.cluster.RedisCluster(**self.cluster_options())
            await cluster.initialize()  # see test_an_asyncio_clusters_connections_outlive_their_tokens
            pool = client.connection_pool
            for connection in [await pool.get_connection() for _ in range(POOL)]:
                await pool.release(connection)
            end = time.monotonic() + SECONDS
            await asyncio.gather(*(step(one, end) for one in [client] * POOL + [cluster] * 3))
            while not self.settled.is_set():
                await asyncio.sleep(0.01)
            await client.aclose(), await cluster.aclose()

        def run():
            try:
                asyncio.run(main())
            except Exception as error:
                self.failures.append(("asyncio", repr(error)))

        return [threading.Thread(target=run)]

    def cluster_options(self):
        host = self.cluster["REDIS_HOST"]
        return {
            **options(self.cluster),
            "credential_provider": self.cluster_credentials,
            "address_remap": address_remap(host),
        }

    def blocking_cluster(self):
        client = redis.cluster.RedisCluster(**self.cluster_options())
        self.to_close.callback(client.close)
        refreshed = [0]

        def step():
            for n in range(9):
                client.set(f"key-{n}", n)
                assert client.get(f"key-{n}") == str(n).encode()
            refreshed[0] += 1
            if refreshed[0] % 20 == 0:
                client.nodes_manager.initialize()  # what a moved slot causes

        return [threading.Thread(target=self.work, args=("cluster", step))]

    def subscriptions(self):
        """Two that listen without a pause, one that asks from time to time."""
        client, publisher = self.client(protocol=3), self.client()
        self.heard = [[], [], []]
        self.sent = 0
        listening = [client.pubsub(ignore_subscribe_messages=True) for _ in range(3)]
        for one in listening:
            one.subscribe("news")
            one.get_message(timeout=5)
            self.to_close.callback(one.close)

        def hear(one, heard, wait):
            try:
                while not heard or heard[-1] != b"end":
                    message = one.get_message(timeout=wait)
                    if message:
                        heard.append(message["data"])
            except Exception as error:
                self.failures.append(("subscription", repr(error)))

        def step():
            assert publisher.publish("news", self.sent) == 3
            self.sent += 1

        def publish():
            self.work("publisher", step)
            publisher.publish("news", "end")

        threads = [threading.Thread(target=hear, args=(one, heard, wait)) for one, heard, wait in
                   zip(listening, self.heard, (None, None, 0.3))]
        return [*threads, threading.Thread(target=publish)]

    def lists(self):
        client = self.client()
        self.popped, self.pushed = [], 0

        def pop(wait):
            try:
                while True:
                    _, element = client.blpop("list", wait) or (None, None)
                    if element == b"end":
                        return
                    if element is not None:
                        self.popped.append(int(element))
            except Exception as error:
                self.failures.append(("blpop", repr(error)))

        def push():
            client.rpush("list", self.pushed)
            self.pushed += 1

        def feed():
            self.work("feeder", push)
            client.rpush("list", "end", "end")

        return [threading.Thread(target=pop, args=(0,)), threading.Thread(target=pop, args=(1,)),
                threading.Thread(target=feed)]


def test_forty_seconds(start_emulator):
    cluster = start_emulator(f"{LIFETIME_S}s", cluster_policy="oss")
    single = start_emulator(f"{LIFETIME_S}s")  # the environment is this one's
    with entrakey.Provider.managed_identity() as provider, entrakey.Provider.managed_identity(
        imds_endpoint=cluster["AZURE_POD_IDENTITY_AUTHORITY_HOST"]
    ) as other:
        run(Trial(single, cluster, CredentialProvider(provider), CredentialProvider(other)), provider)


def run(trial, provider):
    watching = trial.client()
    before = watching.client_id()
    threads = [
        *trial.blocking_pool(),
        *trial.asyncio_pool(),
        *trial.blocking_cluster(),
        *trial.subscriptions(),
        *trial.lists(),
    ]
    for thread in threads:
        thread.start()
    time.sleep(SECONDS)
    trial.done.set()
    try:
        wait_until_renewed(trial, provider, watching)
    finally:
        trial.settled.set()
        for thread in threads:
            thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert trial.failures == []
    assert provider.version > SECONDS / LIFETIME_S
    expected = [str(n).encode() for n in range(trial.sent)] + [b"end"]
    assert all(heard == expected for heard in trial.heard)
    assert sorted(trial.popped) == list(range(trial.pushed))
    assert watching.client_id() == before
    assert min(trial.count.values()) > 50 and set(trial.count) == {
        "blocking pool", "asyncio pool", "cluster", "publisher", "feeder",
    }
    trial.to_close.close()


def behind(trial):
    """The connections that are on an older token, for whoever wants to know why."""
    links = [link for link in trial.credentials._known() if link.needs(trial.credentials._announced)]
    where = [
        (type(link.connection()).__module__, link.entry, link.reader, type(link.pool()).__name__,
         link.connection() in getattr(link.pool(), "_in_use_connections", ()))
        for link in links
    ]
    return f"{where} failures: {trial.failures}"


def wait_until_renewed(trial, provider, watching):
    """Between two rotations every connection that the server has is on the newest token, and most are old: they have
    outlived several."""
    deadline = time.monotonic() + 15
    while True:
        version = provider.version
        listed, listeners = watching.client_list(), provider.status()["listeners"]
        if listeners["connections"] >= 2 * POOL and listeners["oldest_version"] == version == provider.version:
            break
        assert time.monotonic() < deadline, f"version {version}: {listeners} {behind(trial)}"
        time.sleep(0.02)
    ages = sorted(int(client["age"]) for client in listed)
    # Not all: where a busy machine stops for a second or two, a token of five ends, and its connection with it.
    assert sum(age >= 3 * LIFETIME_S for age in ages) >= 2 * POOL * 3 // 4, ages
