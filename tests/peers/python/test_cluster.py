"""Stock redis-py in a cluster: keys in every stretch of slots on every node. (test_rotations.py holds one.)"""

import asyncio

import redis.asyncio.cluster
import redis.cluster
import redis_entraid.cred_provider as redis_entraid
from redis.auth.token_manager import RetryPolicy, TokenManagerConfig
from redis.exceptions import RedisClusterException

import pytest
from settings import IDENTITIES, KEYS, RESOURCE, cluster_options

NODES = 3


def managed_identity():
    """redis-entraid as it comes, with a limit on its request that a busy machine meets."""
    config = TokenManagerConfig(0.7, 0, 5000, RetryPolicy(3, 3))
    kind = redis_entraid.ManagedIdentityType.SYSTEM_ASSIGNED
    return redis_entraid.create_from_managed_identity(kind, RESOURCE, token_manager_config=config)


@pytest.fixture
def cluster(start_emulator):
    return start_emulator(cluster_policy="oss", nodes=NODES, identities=IDENTITIES)


def test_redis_py_reads_and_writes_across_all_slots(cluster):
    client = redis.cluster.RedisCluster(
        **cluster_options(cluster), credential_provider=managed_identity()
    )
    nodes = {client.get_node_from_key(key).name for key in KEYS}
    assert len(nodes) == NODES
    for key in KEYS:
        client.set(key, "of " + key)
    assert [client.get(key) for key in KEYS] == [b"of " + key.encode() for key in KEYS]
    with client.pipeline() as pipeline:
        for key in KEYS:
            pipeline.get(key)
        assert pipeline.execute() == [b"of " + key.encode() for key in KEYS]
    sizes = [client.get_redis_connection(node).dbsize() for node in client.get_primaries()]
    assert len(sizes) == NODES and min(sizes) > len(KEYS) // (2 * NODES) and sum(sizes) == len(set(KEYS))
    assert client.mget_nonatomic(KEYS) == [b"of " + key.encode() for key in KEYS]
    client.close()


def test_asyncio_redis_py_reads_and_writes_across_all_slots(cluster):
    async def main():
        async with redis.asyncio.cluster.RedisCluster(
            **cluster_options(cluster), credential_provider=managed_identity()
        ) as client:
            for key in KEYS:
                await client.set(key, "of " + key)
            assert [await client.get(key) for key in KEYS] == [b"of " + key.encode() for key in KEYS]

    asyncio.run(main())


def test_without_a_remapping_the_nodes_cannot_be_had(cluster):
    with pytest.raises((RedisClusterException, redis.ConnectionError)):
        without = {**cluster_options(cluster), "address_remap": None}
        client = redis.cluster.RedisCluster(**without, credential_provider=managed_identity())
        for key in KEYS:
            client.set(key, "value")
