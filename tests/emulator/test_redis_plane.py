"""The Redis plane: who gets in, for how long, and how it talks."""

import time

import pytest
from conftest import REFUSED, claims

NO_AUTH = "-NOAUTH Authentication required."


def test_nobody_gets_in_without_a_token(redis):
    assert redis("PING") == redis("GET", "x") == NO_AUTH
    assert redis("NONSENSE").startswith("-ERR unknown command 'NONSENSE'")  # what does not exist needs no permission
    assert redis("AUTH").startswith("-ERR wrong number of arguments") and redis("AUTH", *"abcd") == "-ERR syntax error"
    assert redis("AUTH", "only-a-password") == REFUSED
    assert redis("HELLO", "3").startswith("-NOAUTH HELLO must be called")


def refusals(emulator):
    object_id = emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]
    good = emulator.token()
    head, payload, signature = good.split(".")
    without_policy = emulator.token("&client_id=" + emulator["ENTRAKEY_EMULATOR_WITHOUT_POLICY_CLIENT_ID"])
    without_oid = emulator.token("&client_id=" + emulator["ENTRAKEY_EMULATOR_WITHOUT_OID_CLIENT_ID"])
    yield "the user name is not the token's object id", "somebody-else", good
    yield "the token is for another audience", object_id, emulator.token(resource="https://management.azure.com/")
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    yield "the signature is not this tenant's", object_id, ".".join([head, payload, flipped])
    yield "not a token of this tenant", object_id, "junk"
    yield "the object id has no access policy assignment", "55555555-0000-4000-8000-000000000005", without_policy
    yield "the token has no oid claim", object_id, without_oid


def test_every_bad_token_gets_the_same_answer_and_its_reason_is_counted(emulator, redis):
    for reason, user, token in refusals(emulator):
        before = emulator.stats()["redis"]["auth_rejected"].get(reason, 0)
        assert redis("AUTH", user, token) == REFUSED, reason
        assert emulator.stats()["redis"]["auth_rejected"].get(reason, 0) == before + 1, reason


def test_hello_authenticates_and_changes_the_protocol(emulator, redis):
    user = emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]
    greeting = redis("HELLO", "3", "AUTH", user, emulator.token(), "SETNAME", "me")
    assert greeting["proto"] == 3 and greeting["server"] == "redis"
    assert redis("CLIENT", "GETNAME") == "me" and redis("GET", "missing") is None
    assert f"user={user}" in redis("CLIENT", "LIST")


def test_the_connection_is_closed_when_its_token_expires(start):
    emulator = start("4s")
    redis = emulator.connect()
    token = emulator.token()
    assert redis("AUTH", emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"], token) == "OK"
    with pytest.raises(EOFError):
        redis.read()
    expires = claims(token)["exp"]  # what the token says, however long it took to get it here
    assert expires - 0.2 <= time.time()  # how much later depends on the machine; the plane counts it as expired
    redis.close()
    late = emulator.connect()
    assert late("AUTH", emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"], token) == REFUSED
    late.close()
    assert emulator.stats()["redis"]["by_object_id"][emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]]["expired"] == 1


def test_only_an_accepted_auth_moves_the_end(start):
    """By a clock that the test moves: no machine is too slow for it."""
    emulator = start("1h", clock_scale=0)
    user = emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]

    def pass_by(minutes):
        emulator.control("/emulator/clock", {"advance_ms": minutes * 60_000})

    kept, lost = emulator.owner(), emulator.owner()
    for _ in range(2):
        pass_by(40)
        assert kept("AUTH", user, emulator.token()) == "OK"
    with pytest.raises(EOFError):
        lost.read()
    refused = emulator.owner()
    pass_by(40)
    assert refused("AUTH", user, "junk") == REFUSED and refused("PING") == kept("PING") == "PONG"
    pass_by(21)
    for redis in (kept, refused):
        with pytest.raises(EOFError):
            redis.read()
    for redis in (kept, lost, refused):
        redis.close()


def test_reset_takes_the_authentication_away(owner):
    assert owner("RESET") == "RESET" and owner("PING") == NO_AUTH


def test_a_reader_may_not_write(emulator, redis):
    client_id = emulator["ENTRAKEY_EMULATOR_READER_CLIENT_ID"]
    assert redis("AUTH", "66666666-0000-4000-8000-000000000006", emulator.token("&client_id=" + client_id)) == "OK"
    assert redis("SET", "a", "b").startswith("-NOPERM") and redis("GET", "nothing") is None


def test_commands(owner):
    assert owner("FLUSHDB") == "OK"
    assert owner("SET", "a", "1") == "OK" and owner("GET", "a") == "1"
    assert owner("SET", "a", "2", "NX") is None and owner("SET", "a", "2", "XX", "GET") == "1"
    assert owner("INCR", "a") == 3 and owner("INCRBY", "a", "-5") == -2
    assert owner("SET", "b", "x", "EX", "100") == "OK" and 98 <= owner("TTL", "b") <= 100
    assert owner("SET", "c", "x", "PX", "30") == "OK"
    deadline = time.time() + 5
    while owner("EXISTS", "c") and time.time() < deadline:
        time.sleep(0.01)
    assert owner("EXISTS", "a", "b", "c") == 2 and owner("TTL", "c") == -2
    assert owner("HSET", "h", "f", "1", "g", "2") == 2 and owner("HGET", "h", "g") == "2"
    assert owner("HGETALL", "h") == ["f", "1", "g", "2"] and owner("HDEL", "h", "f", "x") == 1
    assert owner("GET", "h").startswith("-WRONGTYPE") and owner("INCR", "b").startswith("-ERR value is not an integer")
    assert owner("DEL", "a", "b", "nothing") == 2 and owner("MGET", "a", "h") == [None, None]
    assert owner("GET").startswith("-ERR wrong number of arguments for 'get'")
    assert owner("NONSENSE", "x").startswith("-ERR unknown command 'NONSENSE', with args beginning with: 'x'")
    assert owner("SELECT", "0") == "OK" and owner("SELECT", "1").startswith("-ERR DB index")
    assert "redis_version" in owner("INFO") and isinstance(owner("CLIENT", "ID"), int)
    assert owner("CLIENT", "SETINFO", "LIB-NAME", "mine") == "OK" and "lib-name=mine" in owner("CLIENT", "LIST")
    assert owner("CLIENT", "MAINT_NOTIFICATIONS", "ON").startswith("-ERR unknown subcommand")
    assert owner("QUIT") == "OK"


def test_a_pipeline_is_answered_in_order_and_a_line_of_words_is_a_request(owner):
    for number in range(100):
        owner.send("ECHO", number)
    assert [owner.read() for _ in range(100)] == [str(number) for number in range(100)]
    owner.socket.sendall(b"PING hello\r\n")
    assert owner.read() == "hello"


def test_a_resp2_subscriber_may_not_authenticate_and_a_resp3_one_may(emulator, owner):
    user = emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]
    other = emulator.connect()
    other("HELLO", "3", "AUTH", user, emulator.token())
    assert owner("SUBSCRIBE", "news") == ["subscribe", "news", 1]
    assert other("PSUBSCRIBE", "n*") == ("push", ["psubscribe", "n*", 1])
    refusal = owner("AUTH", user, emulator.token())
    assert refusal == (
        "-ERR Can't execute 'auth': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this "
        "context"
    )
    assert other("AUTH", user, emulator.token()) == "OK"
    other.send("PUBLISH", "news", "hi")
    assert {str(other.read()), str(other.read())} == {"2", str(("push", ["pmessage", "n*", "news", "hi"]))}
    assert owner.read() == ["message", "news", "hi"]
    assert owner("UNSUBSCRIBE") == ["unsubscribe", "news", 0] and owner("GET", "x") is None
    other.close()


@pytest.mark.parametrize("lines", ["POST / HTTP/1.1", "PING\r\nHost: localhost", "hOST: x\r\nPING"])
def test_who_speaks_http_is_disconnected_without_an_answer_as_by_redis(owner, lines):
    owner.socket.sendall(lines.encode() + b"\r\n\r\n")
    assert owner.socket.recv(100) == b""


def test_a_switch_of_client_is_on_or_off(owner):
    assert owner("CLIENT", "NO-EVICT", "on") == "OK" and owner("CLIENT", "NO-TOUCH", "OFF") == "OK"
    assert owner("CLIENT", "NO-EVICT", "x") == "-ERR syntax error"


def test_a_stranger_may_not_send_much(redis):
    redis.send("AUTH", "x", "y" * 20000)
    assert redis.read() == "-ERR Protocol error: unauthenticated bulk length"
    with pytest.raises((EOFError, OSError)):
        redis.read()


def test_the_plane_can_be_stopped_and_started(start):
    emulator = start("1h")
    redis = emulator.connect()
    assert redis("PING") == NO_AUTH
    assert emulator.post("/emulator/redis/stop") == 204
    with pytest.raises((EOFError, OSError)):
        redis("PING")
    with pytest.raises(OSError):
        emulator.connect()
    assert emulator.post("/emulator/redis/start") == 204
    again = emulator.connect()
    assert again("PING") == NO_AUTH
    redis.close(), again.close()
