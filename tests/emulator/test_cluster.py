"""Several nodes that announce an address which the certificate does not cover."""

import socket
import ssl

import pytest
from conftest import Redis


@pytest.fixture(scope="module")
def cluster(start):
    return start("1h", cluster_policy="oss", nodes=3)


@pytest.fixture
def node(cluster):
    """node(port) is an authenticated connection; without a port, to the endpoint."""
    opened = []

    def connect(port=None):
        environment = {**cluster.environment, "REDIS_PORT": str(port or cluster["REDIS_PORT"])}
        redis = Redis(type(cluster)(environment))
        opened.append(redis)
        assert redis("AUTH", cluster["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"], cluster.token()) == "OK"
        return redis

    yield connect
    for redis in opened:
        redis.close()


def slots(redis):
    """(first, last, host, port) of each node."""
    return [(first, last, *where[:2]) for first, last, where in redis("CLUSTER", "SLOTS")]


def test_every_slot_has_a_node_and_all_ways_to_ask_agree(node):
    redis = node()
    ranges = slots(redis)
    assert [first for first, *_ in ranges] == [0, 5461, 10922] and ranges[-1][1] == 16383
    assert all(last + 1 == following[0] for (_, last, *_), following in zip(ranges, ranges[1:]))
    assert {host for _, _, host, _ in ranges} == {"127.0.2.4"}
    lines = redis("CLUSTER", "NODES").splitlines()
    assert [line.split()[1].split("@")[0] for line in lines] == [f"127.0.2.4:{port}" for *_, port in ranges]
    assert lines[0].split()[0] == redis("CLUSTER", "MYID") and "myself,master" in lines[0]
    shards = redis("CLUSTER", "SHARDS")
    assert [shard[1] for shard in shards] == [list(r[:2]) for r in ranges]
    assert "cluster_state:ok" in redis("CLUSTER", "INFO") and "cluster_enabled:1" in redis("INFO")
    assert redis("CLUSTER", "KEYSLOT", "foo") == 12182 and redis("CLUSTER", "NONSENSE").startswith("-ERR unknown subcommand")
    greeting = redis("HELLO", "3")
    assert greeting["mode"] == "cluster"


def test_a_node_has_its_own_keys_and_names_the_owner_of_others(node):
    ranges = slots(node())
    nodes = [node(port) for *_, port in ranges]
    owner = next(i for i, (first, last, *_) in enumerate(ranges) if first <= 12182 <= last)
    assert nodes[owner]("SET", "foo", "1") == "OK" and nodes[owner]("DBSIZE") == 1
    for index, redis in enumerate(nodes):
        if index != owner:
            assert redis("GET", "foo") == f"-MOVED 12182 127.0.2.4:{ranges[owner][3]}" and redis("DBSIZE") == 0
    for key in ("a", "b", "c"):
        slot = nodes[0]("CLUSTER", "KEYSLOT", key)
        owners = [port for first, last, _, port in ranges if first <= slot <= last]
        replies = {redis("GET", key) for redis in nodes} - {None}
        assert replies == {f"-MOVED {slot} 127.0.2.4:{owners[0]}"}
    assert len({nodes[0]("CLUSTER", "KEYSLOT", key) // 5462 for key in ("a", "b", "c")}) == 3, "one of each node"
    assert nodes[owner]("MGET", "foo", "{foo}bar") == ["1", None]
    assert nodes[owner]("MGET", "foo", "bar").startswith("-CROSSSLOT")
    assert nodes[owner]("CLUSTER", "COUNTKEYSINSLOT", "12182") == 1


def test_a_transaction_is_spoiled_by_a_key_of_another_node(node):
    redis = node()  # the first node has not the slot of foo
    assert redis("MULTI") == "OK" and redis("SET", "foo", "1").startswith("-MOVED")
    assert redis("EXEC").startswith("-EXECABORT")


def test_messages_cross_nodes_and_those_of_slots_do_not(node):
    ranges = slots(node())
    listener, speaker = node(ranges[0][3]), node(ranges[1][3])
    assert listener("SUBSCRIBE", "news") == ["subscribe", "news", 1]
    assert speaker("PUBLISH", "news", "hi") == 1 and listener.read() == ["message", "news", "hi"]
    owner = node(ranges[2][3])
    assert speaker("SSUBSCRIBE", "foo").startswith("-MOVED 12182")
    assert owner("SSUBSCRIBE", "foo") == ["ssubscribe", "foo", 1]
    assert node(ranges[2][3])("SPUBLISH", "foo", "x") == 1 and owner.read() == ["smessage", "foo", "x"]


def test_the_announced_address_answers_but_is_not_in_the_certificate(cluster, node):
    *_, port = slots(node())[0]
    with pytest.raises(ssl.SSLCertVerificationError):
        cluster.tls.wrap_socket(socket.create_connection(("127.0.2.4", port), 10), server_hostname="127.0.2.4")
    name = cluster["ENTRAKEY_EMULATOR_REDIS_NAME"]
    assert name.endswith(".redis.azure.net")
    cluster.tls.wrap_socket(socket.create_connection(("127.0.2.4", port), 10), server_hostname=name).close()


def test_a_node_fails_over_to_another_port_with_its_data(cluster, node):
    other = node()
    (_, _, _, old), (_, _, _, witness) = slots(other)[2], slots(other)[1]
    redis, unharmed = node(old), node(witness)
    assert redis("SET", "foo", "kept") == "OK"
    assert cluster.control("/emulator/redis/failover", {"node": 2, "down_ms": 10}, "POST")[0] == 204
    with pytest.raises((EOFError, OSError)):
        redis("PING"), redis("PING")
    new = slots(unharmed)[2][3]
    assert new != old and node(new)("GET", "foo") == "kept" and unharmed("PING") == "PONG"
    with pytest.raises(OSError):
        node(old)
    status, refusal = cluster.control("/emulator/redis/failover", {"node": 7}, "POST")
    assert status == 409 and "there are 3" in refusal["error"]


def test_the_enterprise_policy_hides_its_nodes(emulator):
    redis = emulator.owner()
    assert redis("CLUSTER", "SLOTS") == redis("READONLY") == "-ERR This instance has cluster support disabled"
    assert redis("MSET", "a", "1", "b", "2") == "OK" and redis("MGET", "a", "b") == ["1", "2"]
    assert redis("DEL", "a", "b") == 2
    assert redis("WATCH", "a", "b").startswith("-CROSSSLOT") and redis("LMOVE", "a", "b", "LEFT", "LEFT").startswith("-CROSSSLOT")
    assert "cluster_enabled:0" in redis("INFO")
    redis.close()
