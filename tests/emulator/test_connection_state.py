"""Transactions, waiting, the clock, and scripted faults: what a connection is in the middle of."""

import socket
import threading
import time

import pytest
from conftest import REFUSED, claims


@pytest.fixture(scope="module")
def emulator(start):
    return start("1h")


@pytest.fixture
def connect(emulator):
    opened = []

    def run():
        redis = emulator.owner()
        opened.append(redis)
        return redis

    yield run
    for redis in opened:
        redis.close()
    assert emulator.control("/emulator/redis/faults", method="DELETE")[0] == 204


def test_transactions(connect):
    redis, other = connect(), connect()
    assert redis("MULTI") == "OK" and redis("SET", "a", "1") == redis("INCR", "a") == "QUEUED"
    assert "flags=x" in other("CLIENT", "LIST") and "multi=2" in other("CLIENT", "LIST")
    assert redis("MULTI") == "-ERR MULTI calls can not be nested"
    assert redis("EXEC") == ["OK", 2] and redis("EXEC") == "-ERR EXEC without MULTI"
    assert redis("MULTI") == "OK" and redis("NONSENSE").startswith("-ERR unknown") and redis("SET", "a", "9") == "QUEUED"
    assert redis("EXEC") == "-EXECABORT Transaction discarded because of previous errors." and redis("GET", "a") == "2"
    assert redis("MULTI") == "OK" and redis("SET", "a", "9") == "QUEUED" and redis("DISCARD") == "OK"
    assert redis("GET", "a") == "2" and redis("DISCARD") == "-ERR DISCARD without MULTI"
    assert redis("WATCH", "a") == "OK" and other("SET", "a", "2") == "OK"
    assert redis("MULTI") == "OK" and redis("SET", "a", "9") == "QUEUED" and redis("EXEC") is None
    assert redis("WATCH", "a") == "OK" and redis("UNWATCH") == "OK" and other("SET", "a", "3") == "OK"
    assert redis("MULTI") == "OK" and redis("GET", "a") == "QUEUED" and redis("EXEC") == ["3"]
    assert redis("MULTI") == "OK" and redis("BLPOP", "empty", "0") == "QUEUED" and redis("EXEC") == [None]


def test_auth_is_queued_like_any_command_and_reset_ends_everything(emulator, connect, user):
    redis = connect()
    assert redis("MULTI") == "OK"
    assert redis("AUTH", user, "junk") == redis("AUTH", user, emulator.token()) == redis("PING") == "QUEUED"
    assert redis("EXEC") == [REFUSED, "OK", "PONG"]
    assert redis("MULTI") == "OK" and redis("SET", "r", "1") == "QUEUED" and redis("RESET") == "RESET"
    assert redis("EXEC") == "-EXECABORT Transaction discarded because of: NOAUTH Authentication required."
    assert redis("AUTH", user, emulator.token()) == "OK" and redis("EXEC") == "-ERR EXEC without MULTI"


def wait_until(holds):
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.005)


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 10).close()
    except ConnectionRefusedError:
        return False
    return True


def see(redis, what):
    """Waits until CLIENT LIST shows it."""
    wait_until(lambda: what in redis("CLIENT", "LIST"))


def test_who_waits_is_woken_in_time_or_told_that_there_was_nothing(connect):
    waiting, other = connect(), connect()
    waiting.send("BLPOP", "{q}1", "{q}2", "0")
    waiting.send("PING")
    see(other, "cmd=blpop")
    assert other("RPUSH", "{q}2", "x", "y") == 2
    assert waiting.read() == ["{q}2", "x"] and waiting.read() == "PONG"
    assert waiting("BRPOP", "{q}2", "1") == ["{q}2", "y"] and waiting("EXISTS", "{q}2") == 0
    assert waiting("BLPOP", "{q}2", "0.05") is None
    waiting.send("BLMOVE", "{m}source", "{m}target", "LEFT", "RIGHT", "0")
    see(other, "cmd=blmove")
    assert other("LPUSH", "{m}source", "z") == 1 and waiting.read() == "z"
    assert other("LRANGE", "{m}target", "0", "-1") == ["z"]
    assert waiting("BLPOP", "q", "-1") == "-ERR timeout is negative"
    other.send("SET", "text", "x"), other.read()
    assert waiting("BLPOP", "text", "0").startswith("-WRONGTYPE")


def test_who_waits_is_ended_from_another_connection_as_redis_does_it(connect):
    waiting, other = connect(), connect()
    client = str(waiting("CLIENT", "ID"))
    assert other("CLIENT", "UNBLOCK", client) == 0 and other("CLIENT", "UNBLOCK", "999999") == 0
    for reason, answer in [
        (["ERROR"], "-UNBLOCKED client unblocked via CLIENT UNBLOCK"),
        (["error"], "-UNBLOCKED client unblocked via CLIENT UNBLOCK"),
        (["TIMEOUT"], None),
        ([], None),
    ]:
        waiting.send("BLPOP", "{u}q", "0")
        see(other, "flags=b ")
        assert other("CLIENT", "UNBLOCK", client, *reason) == 1 and waiting.read() == answer
        assert other("CLIENT", "UNBLOCK", client, *reason) == 0
    assert other("RPUSH", "{u}q", "x") == 1 and waiting("LPOP", "{u}q") == "x"
    assert other("CLIENT", "UNBLOCK", "x") == "-ERR value is not an integer or out of range"
    assert other("CLIENT", "UNBLOCK", client, "NOW") == "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"


def test_what_one_who_waited_moves_on_wakes_the_next(connect):
    last, middle, other = connect(), connect(), connect()
    for number in range(5):
        source, target = f"{{c}}source{number}", f"{{c}}target{number}"
        waits = [(last, "BLPOP", target, "0"), (middle, "BLMOVE", source, target, "LEFT", "RIGHT", "0")]
        for connection, *request in waits if number % 2 else reversed(waits):  # who came first may look first or last
            connection.send(*request)
            see(other, f"cmd={request[0].lower()}")
        assert other("LPUSH", source, "x") == 1
        assert middle.read() == "x" and last.read() == [target, "x"]
        middle("PING"), last("PING")  # so that the next number does not see this one's commands


def test_nobody_can_end_it_with_a_request_however_deep(emulator, connect):
    for redis, levels in [(emulator.connect(), 8_000), (connect(), 200_000)]:
        with pytest.raises((EOFError, OSError)):  # closed with the rest unread, which may reset it
            redis.socket.sendall(b"*1\r\n" * levels)
            assert redis.read() == "-ERR Protocol error: expected '$'"
            redis.read()
    assert connect()("PING") == "PONG"


def test_names_keep_the_lines_of_client_list(connect):
    redis = connect()
    before = len(redis("CLIENT", "LIST").splitlines())
    refused = "cannot contain spaces, newlines or special characters."
    assert refused in redis("CLIENT", "SETNAME", "a\nid=1") and refused in redis("HELLO", "2", "SETNAME", "a b")
    assert refused in redis("CLIENT", "SETINFO", "LIB-NAME", "a\nb")
    assert redis("CLIENT", "GETNAME") is None and len(redis("CLIENT", "LIST").splitlines()) == before
    assert redis("CLIENT", "SETNAME", "a:b") == "OK" and redis("CLIENT", "GETNAME") == "a:b"


def test_a_large_pipeline_is_served_though_nobody_reads(connect):
    redis = connect()
    assert redis("SET", "big", "x" * 100_000) == "OK"
    request = b"*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n"
    redis.socket.sendall(request * 400)  # 40 MB of replies: more than any buffer on the way
    assert all(len(redis.read()) == 100_000 for _ in range(400))


def test_lists_and_sets_and_the_rest(connect):
    redis = connect()
    assert redis("RPUSH", "l", "a", "b", "c", "a") == 4 and redis("LRANGE", "l", "-3", "-2") == ["b", "c"]
    assert redis("LREM", "l", "-1", "a") == 1 and redis("LRANGE", "l", "0", "-1") == ["a", "b", "c"]
    assert redis("LTRIM", "l", "1", "5") == "OK" and redis("LLEN", "l") == 2 and redis("LPOP", "l", "9") == ["b", "c"]
    assert redis("EXISTS", "l") == 0 and redis("LRANGE", "l", "0", "-9") == []
    assert redis("SADD", "s", "a", "b", "a") == 2 and sorted(redis("SMEMBERS", "s")) == ["a", "b"]
    assert redis("SISMEMBER", "s", "a") == 1 and redis("SREM", "s", "a", "b") == 2 and redis("SCARD", "s") == 0
    assert redis("SETEX", "e", "100", "x") == "OK" and 99_000 <= redis("PTTL", "e") <= 100_000
    assert redis("PERSIST", "e") == 1 and redis("TTL", "e") == -1 and redis("EXPIRE", "e", "5", "XX") == 0
    assert redis("APPEND", "e", "y") == 2 and redis("GETSET", "e", "z") == "xy" and redis("GETDEL", "e") == "z"
    assert redis("SETNX", "n", "1") == 1 and redis("SETNX", "n", "2") == 0 and redis("DECRBY", "n", "3") == -2
    assert redis("HSET", "h", "a", "1", "b", "2") == 2 and redis("HMGET", "h", "a", "x") == ["1", None]
    assert redis("HINCRBY", "h", "a", "5") == 6 and redis("HKEYS", "h") == ["a", "b"] and redis("HLEN", "h") == 2
    assert redis("TYPE", "h") == "hash" and "h" in redis("SCAN", "0", "MATCH", "[gh]", "COUNT", "10")[1]
    described = redis("COMMAND", "INFO", "get", "blpop")
    assert [entry[:2] + entry[3:6] for entry in described] == [["get", 2, 1, 1, 1], ["blpop", -3, 1, -2, 1]]
    assert redis("COMMAND", "GETKEYS", "MSET", "a", "1", "b", "2") == ["a", "b"]


def test_the_clock_decides_when_a_token_ends(emulator, connect, user):
    redis, token = connect(), emulator.token()
    status, clock = emulator.control("/emulator/clock", {"advance_ms": 3_500_000}, "POST")
    try:
        assert status == 200 and abs(clock["offset_ms"] - 3_500_000) < 100
        assert redis("PING") == "PONG" and redis("AUTH", user, token) == "OK"
        emulator.control("/emulator/clock", {"advance_ms": 200_000}, "POST")
        with pytest.raises((EOFError, OSError)):
            redis("PING"), redis("PING")
        late = emulator.connect()
        assert late("AUTH", user, token) == REFUSED
        fresh = emulator.token()
        assert late("AUTH", user, fresh) == "OK" and claims(fresh)["iat"] > claims(token)["exp"]
        emulator.control("/emulator/clock", {"scale": 5000}, "POST")
        with pytest.raises(EOFError):  # an hour passes in less than a second
            late.read()
        late.close()
        assert emulator.control("/emulator/clock", {"scale": -1}, "POST")[0] == 400
    finally:
        emulator.control("/emulator/clock", {"offset_ms": 0, "scale": 1}, "POST")


def faults(emulator, *script):
    status, answer = emulator.control("/emulator/redis/faults", list(script))
    assert status == 200, answer


def test_faults_happen_in_order_where_they_were_scripted(emulator, connect, user):
    redis = connect()
    faults(emulator, {"on": "auth", "refuse": True}, {"on": "command", "command": "GET", "error": "BUSY x", "times": 2})
    assert emulator.control("/emulator/redis/faults")[1] == {"waiting": {"auth": 1, "command": 2}}
    assert redis("SET", "a", "b") == "OK" and redis("GET", "a") == redis("GET", "a") == "-BUSY x"
    assert redis("AUTH", user, emulator.token()) == REFUSED and redis("GET", "a") == "b"
    faults(emulator, {"on": "command", "error": "ONE x"}, {"on": "command", "command": "GET", "error": "TWO x"})
    faults(emulator, {"on": "command", "error": "THREE x"})
    assert [redis("GET", "a") for _ in range(4)] == ["-ONE x", "-TWO x", "-THREE x", "b"]
    faults(emulator, {"on": "auth", "refuse": True})
    assert redis("HELLO", "3", "AUTH", user, emulator.token()) == REFUSED, "that is an AUTH too"
    faults(emulator, {"on": "command", "delay_ms": 300})
    before = time.monotonic()
    assert redis("PING") == "PONG" and time.monotonic() - before >= 0.3
    status, refusal = emulator.control("/emulator/redis/faults", [{"on": "command", "refuse": True}])
    assert status == 400 and "only an AUTH" in refusal["error"]


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("on", ["connect", "auth", "command"])
def test_a_fault_ends_a_connection(emulator, connect, user, on, end):
    redis = connect()
    faults(emulator, {"on": on, end: True})
    with pytest.raises((EOFError, OSError)):
        emulator.connect() if on == "connect" else redis("AUTH", user, "x") if on == "auth" else redis("PING")
    assert connect()("PING") == "PONG"


def test_a_stalled_connection_answers_no_more_and_still_ends_with_its_token(start):
    emulator = start("1h", clock_scale=0)
    user = emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]
    redis, listener = emulator.owner(), emulator.owner()
    assert listener("SUBSCRIBE", "news") == ["subscribe", "news", 1]
    faults(emulator, {"on": "command", "stall": True})
    listener.send("PING")
    wait_until(lambda: emulator.control("/emulator/redis/faults")[1]["waiting"] == {})
    assert redis("PUBLISH", "news", "hi") == 1
    faults(emulator, {"on": "command", "stall": True})
    redis.send("PING"), redis.send("PING")
    wait_until(lambda: emulator.control("/emulator/redis/faults")[1]["waiting"] == {})
    emulator.control("/emulator/clock", {"advance_ms": 3_600_000})
    for connection in (redis, listener):
        with pytest.raises(EOFError):
            connection.read()
        connection.close()
    last = emulator.connect()
    assert last("AUTH", user, emulator.token()) == "OK" and last("QUIT") == "OK"
    last.close()
    counts = lambda: emulator.stats()["redis"]["by_object_id"][user]
    wait_until(lambda: counts()["connected"] == 0)
    assert counts()["expired"] == 2, "the last one went by itself"


def test_connections_are_dropped_all_or_those_of_one(emulator, connect, user):
    one, two, stranger = connect(), connect(), emulator.connect()
    assert emulator.control("/emulator/redis/drop", {"object_id": "nobody"}, "POST") == (200, {"closed": 0})
    assert emulator.control("/emulator/redis/drop", {"object_id": user}, "POST")[1]["closed"] >= 2
    for redis in (one, two):
        with pytest.raises((EOFError, OSError)):
            redis("PING"), redis("PING")
    assert stranger("PING").startswith("-NOAUTH")
    # One that an earlier test has closed may count too, until the emulator has seen its end.
    assert emulator.control("/emulator/redis/drop", method="POST")[1]["closed"] >= 1
    with pytest.raises((EOFError, OSError)):
        stranger("PING"), stranger("PING")
    stranger.close()
    assert emulator.control("/emulator/redis/failover", {"down_ms": 1}, "POST")[0] == 204
    assert connect()("PING") == "PONG"


def test_a_drop_reaches_who_is_still_at_the_handshake(emulator, connect, user):
    faults(emulator, {"on": "connect", "delay_ms": 500})
    plain = socket.create_connection(("127.0.0.1", int(emulator["REDIS_PORT"])), 10)
    wait_until(lambda: emulator.control("/emulator/redis/faults")[1]["waiting"] == {})
    assert emulator.control("/emulator/redis/drop", method="POST")[0] == 200
    with pytest.raises((EOFError, OSError)), emulator.tls.wrap_socket(plain, server_hostname="localhost") as late:
        late.sendall(b"PING\r\n")
        if not late.recv(100):
            raise EOFError
    assert connect()("PING") == "PONG"


def test_a_client_is_killed_by_its_address(connect):
    redis, other = connect(), connect()
    assert redis("CLIENT", "KILL", "ID", redis("CLIENT", "ID")) == 0, "itself only if it asks for that"
    assert redis("PING") == "PONG"
    line = next(line for line in other("CLIENT", "LIST").splitlines() if f"id={redis('CLIENT', 'ID')} " in line)
    address = dict(part.split("=", 1) for part in line.split())["addr"]
    assert other("CLIENT", "KILL", "ADDR", address) == 1 and other("CLIENT", "KILL", "127.0.0.1:1").startswith("-ERR No such")
    with pytest.raises((EOFError, OSError)):
        redis("PING"), redis("PING")


def test_a_fail_over_goes_on_without_whoever_asked_for_it(start):
    emulator = start("1h")
    port, address = int(emulator["REDIS_PORT"]), emulator["ENTRAKEY_EMULATOR_URL"].removeprefix("http://").split(":")
    redis = emulator.owner()
    body = b'{"down_ms": 300}'
    with socket.create_connection(address, 10) as asks:
        head = "POST /emulator/redis/failover HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        asks.sendall(head.encode() + body)
        with pytest.raises(EOFError):  # it has begun; that nothing listens a busy machine may miss
            redis.read()
    redis.close()
    wait_until(lambda: listens(port))


def test_fail_overs_wait_for_each_other_and_end_with_a_stop(start):
    emulator = start("1h")
    port = int(emulator["REDIS_PORT"])
    answers = []

    def fail_over(down):
        answers.append(emulator.control("/emulator/redis/failover", {"down_ms": down}, "POST")[0])

    both = [threading.Thread(target=fail_over, args=[50]) for _ in range(2)]
    [thread.start() for thread in both], [thread.join(20) for thread in both]
    assert answers == [204, 204] and listens(port)
    late = threading.Thread(target=fail_over, args=[2000])
    late.start()
    wait_until(lambda: not listens(port))
    assert emulator.control("/emulator/redis/stop", method="POST")[0] == 204
    late.join(20)
    assert answers[-1] == 409 and not listens(port)
    assert emulator.control("/emulator/redis/failover", {"down_ms": 1}, "POST")[0] == 409
    assert emulator.control("/emulator/redis/start", method="POST")[0] == 204 and listens(port)


def test_a_client_of_sentinel_finds_the_cache(emulator, connect):
    redis = connect()
    port = emulator["REDIS_PORT"]
    assert redis("SENTINEL", "get-master-addr-by-name", "mymaster") == ["localhost", port]
    assert redis("SENTINEL", "get-master-addr-by-name", "another") is None
    (master,) = redis("SENTINEL", "masters")
    described = dict(zip(master[::2], master[1::2]))
    assert (described["name"], described["ip"], described["port"], described["flags"]) == ("mymaster", "localhost", port, "master")
    assert redis("SENTINEL", "sentinels", "mymaster") == redis("SENTINEL", "replicas", "mymaster") == []
    assert redis("SENTINEL", "sentinels", "another") == "-ERR No such master with that name"
