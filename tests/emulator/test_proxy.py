"""The gate in front of a real redis-server: its commands, our rules about who may use them, and for how long."""

import hashlib
import shutil
import socket
import subprocess
import time

import pytest
from conftest import BINARY, REFUSED, claims
from ports import free_port
from test_connection_state import wait_until

SUBSCRIBED = (
    "-ERR Can't execute 'auth': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
)


def run_server(port, folder, *more):
    """A redis-server with a password, once it answers."""
    command = [shutil.which("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "", *more]
    process = subprocess.Popen(
        [*command, "--requirepass", "backend-secret", "--dir", str(folder)], stdout=subprocess.DEVNULL
    )
    deadline = time.time() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            assert time.time() < deadline and process.poll() is None, "redis-server does not come up"
            time.sleep(0.01)
    return process


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a redis-server."""
    port = free_port()
    process = run_server(port, tmp_path_factory.mktemp("redis"))
    yield f"redis://:backend-secret@127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def emulator(start, server):
    return start("1h", proxy=server)


def test_the_real_server_does_the_work(owner):
    assert owner("ZADD", "z", "1", "a", "2", "b") == 2 and owner("ZRANGE", "z", "0", "-1") == ["a", "b"]
    assert owner("EVAL", "return ARGV[1]", "0", "hi") == "hi"
    assert owner("XADD", "s", "*", "f", "v") and owner("XLEN", "s") >= 1
    assert owner("ACL", "WHOAMI").count("-") == 4


def test_who_has_no_good_token_gets_nowhere(emulator, redis, user):
    assert redis("GET", "x") == redis("EVAL", "return 1", "0") == "-NOAUTH Authentication required."
    assert redis("EXEC") == "-EXECABORT Transaction discarded because of: NOAUTH Authentication required."
    assert redis("HELLO", "3").startswith("-NOAUTH HELLO must be called")
    assert redis("AUTH", user, "junk") == redis("AUTH", "backend-secret") == REFUSED
    assert redis("AUTH", "default", "backend-secret") == REFUSED
    assert redis("AUTH", user, emulator.token()) == "OK" and redis("PING") == "PONG"
    assert redis("AUTH", user, "junk") == REFUSED and redis("PING") == "PONG"
    assert redis("RESET", "x") == "-ERR wrong number of arguments for 'reset' command" and redis("PING") == "PONG"
    assert redis("RESET") == "RESET" and redis("PING") == "-NOAUTH Authentication required."


def test_a_pipeline_keeps_its_order_around_what_the_gate_answers_itself(emulator, owner, user):
    token = emulator.token()
    for number in range(50):
        owner.send("SET", "n", number)
        owner.send("AUTH", user, "junk" if number % 2 else token)
        owner.send("GET", "n")
        owner.send("CONFIG", "SET", "timeout", "0") if number % 2 else owner.send("BGSAVE")
    for number in range(50):
        assert owner.read() == "OK"
        assert owner.read() == (REFUSED if number % 2 else "OK")
        assert owner.read() == str(number)
        refusal = owner.read()
        assert refusal == "OK" if number % 2 else refusal.startswith("-ERR unknown command 'BGSAVE'"), refusal


def test_hello_speaks_resp3_and_subscribers_may_authenticate_there(emulator, redis, user):
    greeting = redis("HELLO", "3", "AUTH", user, emulator.token(), "SETNAME", "me")
    assert greeting["proto"] == 3 and redis("CLIENT", "GETNAME") == "me"
    assert redis("SUBSCRIBE", "news") == ("push", ["subscribe", "news", 1])
    assert redis("AUTH", user, emulator.token()) == "OK"
    assert redis("HSET", "h", "f", "v") in (0, 1) and redis("HGETALL", "h") == {"f": "v"}
    redis.send("PUBLISH", "news", "hi")
    assert {str(redis.read()), str(redis.read())} == {"1", str(("push", ["message", "news", "hi"]))}


def test_a_resp2_subscriber_may_not_authenticate_and_messages_are_no_answers(emulator, owner, user):
    other = emulator.connect()
    assert other("AUTH", user, emulator.token()) == "OK"
    assert owner("SUBSCRIBE", "a", "b") == ["subscribe", "a", 1] and owner.read() == ["subscribe", "b", 2]
    assert other("PUBLISH", "a", "one") == 1
    assert owner.read() == ["message", "a", "one"]
    assert owner("AUTH", user, emulator.token()) == SUBSCRIBED
    assert owner("GET", "x").startswith("-ERR Can't execute 'get'") and owner("PING") == ["pong", ""]
    assert owner("UNSUBSCRIBE") in (["unsubscribe", "a", 1], ["unsubscribe", "b", 1])
    assert owner.read() in (["unsubscribe", "a", 0], ["unsubscribe", "b", 0])
    assert owner("AUTH", user, emulator.token()) == "OK"
    assert owner("RPUSH", "l", "message", "x") >= 2 and owner("LRANGE", "l", "0", "1") == ["message", "x"]
    assert owner("PING") == "PONG"
    other.close()


def test_auth_inside_a_transaction_counts_when_it_is_executed(emulator, owner, user):
    assert owner("MULTI") == "OK" and owner("SET", "t", "1") == "QUEUED"
    assert owner("AUTH", user, "junk") == owner("AUTH", user, emulator.token()) == owner("GET", "t") == "QUEUED"
    assert owner("EXEC") == ["OK", REFUSED, "OK", "1"]
    assert owner("PING") == "PONG"
    assert owner("MULTI") == "OK" and owner("AUTH", user, emulator.token()) == "QUEUED"
    assert owner("HELLO", "3").startswith("-ERR unknown command") and owner("EXEC").startswith("-EXECABORT")


def test_the_connection_ends_with_its_token_also_while_it_waits(start, server):
    emulator = start("4s", proxy=server)
    redis, token = emulator.connect(), emulator.token()
    assert redis("AUTH", emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"], token) == "OK"
    redis.send("BLPOP", "nothing", "0")
    with pytest.raises(EOFError):
        redis.read()
    assert claims(token)["exp"] - 0.2 <= time.time()
    redis.close()
    counts = lambda: emulator.stats()["redis"]["by_object_id"][claims(token)["oid"]]
    wait_until(lambda: counts()["connected"] == 0)
    assert counts()["expired"] == 1


def test_policies_are_the_servers_own_and_change_under_live_connections(emulator, redis):
    reader = emulator["ENTRAKEY_EMULATOR_READER_OBJECT_ID"]
    token = emulator.token("&client_id=" + emulator["ENTRAKEY_EMULATOR_READER_CLIENT_ID"])
    assert redis("AUTH", reader, token) == "OK"
    assert redis("ZADD", "z", "3", "c").startswith("-NOPERM") and redis("GET", "nothing") is None
    path = f"/emulator/redis/policies/{reader}"
    assert emulator.control(path, {"access": "+@all -@dangerous ~cache:*"}, "PUT")[0] == 200
    assert redis("ZADD", "cache:z", "3", "c") in (0, 1) and redis("GET", "other").startswith("-NOPERM")
    assert redis("BGSAVE").startswith("-ERR unknown command")
    status, refusal = emulator.control(path, {"access": "+@all +nonsense ~*"}, "PUT")
    assert status == 400 and "nonsense" in refusal["error"]
    assert emulator.control(path, {"access": "reader"}, "PUT")[0] == 200


def test_faults_reach_the_gate_too(emulator, owner, user):
    script = [{"on": "command", "command": "GET", "error": "LOADING x"}, {"on": "auth", "refuse": True}]
    assert emulator.control("/emulator/redis/faults", script)[0] == 200
    assert owner("GET", "a") == "-LOADING x" and owner("AUTH", user, emulator.token()) == REFUSED
    assert emulator.control("/emulator/redis/drop", {"object_id": user})[1]["closed"] >= 1
    with pytest.raises((EOFError, OSError)):
        owner("PING"), owner("PING")


def in_one_piece(redis, *requests):
    """Sends a pipeline in one segment."""
    words = [[word.encode() for word in request.split()] for request in requests]
    one = lambda request: b"*%d\r\n" % len(request) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in request)
    redis.socket.sendall(b"".join(map(one, words)))


def test_a_fault_has_its_turn_in_a_pipeline(emulator, owner):
    script = [{"on": "command", "command": "GET", "error": "LOADING x"}, {"on": "command", "command": "GET", "close": True}]
    assert emulator.control("/emulator/redis/faults", script)[0] == 200
    in_one_piece(owner, "SET a 1", "GET a", "ECHO z")
    assert [owner.read() for _ in range(3)] == ["OK", "-LOADING x", "z"]
    in_one_piece(owner, "SET a 1", "GET a", "ECHO z")
    assert owner.read() == "OK"
    with pytest.raises((EOFError, OSError)):
        owner.read()


def test_a_transaction_is_what_the_server_takes_for_one(emulator, redis, user):
    reader = emulator["ENTRAKEY_EMULATOR_READER_OBJECT_ID"]
    token = emulator.token("&client_id=" + emulator["ENTRAKEY_EMULATOR_READER_CLIENT_ID"])
    assert redis("AUTH", reader, token) == "OK" and redis("MULTI").startswith("-NOPERM")
    assert redis("AUTH", user, emulator.token()) == "OK" and redis("MULTI", "x").startswith("-ERR wrong number")
    assert redis("AUTH", user, emulator.token()) == "OK" and redis("MULTI") == "OK"
    assert redis("DISCARD", "x").startswith("-ERR wrong number") and redis("AUTH", reader, token) == "QUEUED"
    assert redis("EXEC").startswith("-EXECABORT") and redis("SET", "t", "1") == "OK", "still the owner"
    in_one_piece(redis, "MULTI", f"AUTH {user} junk", "PING", "EXEC", f"AUTH {user} junk")
    assert [redis.read() for _ in range(5)] == ["OK", "QUEUED", "QUEUED", [REFUSED, "PONG"], REFUSED]


def test_a_refused_hello_leaves_the_protocol_as_it_is(owner):
    assert owner("HELLO", "3", "SETNAME", "a b").startswith("-ERR Client names")
    assert owner("GET", "nothing") is None and owner("HGETALL", "nothing") == [] and owner("PING") == "PONG"


def test_what_a_transaction_enters_is_counted(emulator, owner, user):
    in_one_piece(owner, "MULTI", "SUBSCRIBE tx1 tx2", "ECHO in", "UNSUBSCRIBE tx1", "EXEC", "PING")
    assert [owner.read() for _ in range(4)] == ["OK", "QUEUED", "QUEUED", "QUEUED"]
    # An array of three, of which the server counts requests and not replies: the last one comes behind it.
    assert owner.read() == [["subscribe", "tx1", 1], ["subscribe", "tx2", 2], "in"]
    assert owner.read() == ["unsubscribe", "tx1", 1] and owner.read() == ["pong", ""]
    assert owner("AUTH", user, emulator.token()) == SUBSCRIBED
    other = emulator.connect()
    assert other("AUTH", user, emulator.token()) == "OK" and other("PUBLISH", "tx2", "hi") == 1
    other.close()
    assert owner.read() == ["message", "tx2", "hi"]
    assert owner("UNSUBSCRIBE") == ["unsubscribe", "tx2", 0]
    assert owner("AUTH", user, emulator.token()) == "OK" and owner("PING") == "PONG"
    in_one_piece(owner, "MULTI", "SUBSCRIBE a b", "UNSUBSCRIBE", "EXEC", "ECHO z")
    replies = [owner.read() for _ in range(7)]
    assert replies[3] == [["subscribe", "a", 1], ["subscribe", "b", 2]]
    assert [reply[2] for reply in replies[4:6]] == [1, 0] and replies[6] == "z", replies
    assert owner("AUTH", user, emulator.token()) == "OK"


def test_pushes_that_come_with_the_answer_to_auth_are_handed_on(emulator, redis, user):
    """The other client's writes fall between AUTH and its answer now and then; none of them may be held back."""
    token = emulator.token()
    assert redis("HELLO", "3", "AUTH", user, token)["proto"] == 3
    other = emulator.connect()
    assert other("AUTH", user, token) == "OK"
    assert redis("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "pushed:") == "OK"
    for number in range(200):
        redis.send("AUTH", user, token)
        other.send("SET", f"pushed:{number}", "1")
        assert other.read() == "OK"
        answers = [redis.read(), redis.read()]
        assert "OK" in answers and ("push", ["invalidate", [f"pushed:{number}"]]) in answers, (number, answers)
    other.close()


def test_a_channel_that_leaves_with_its_slot_answers_nothing(start, tmp_path):
    port = free_port()
    cluster = ["--cluster-enabled", "yes", "--cluster-require-full-coverage", "no", "--cluster-port", str(free_port())]
    server = run_server(port, tmp_path, *cluster)
    emulator = start("1h", proxy=f"redis://:backend-secret@127.0.0.1:{port}")
    user, token = emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"], emulator.token()
    direct = socket.create_connection(("127.0.0.1", port), timeout=20)

    def behind(request):
        direct.sendall(request.encode() + b"\r\n")
        return direct.recv(1000)

    try:
        assert behind("AUTH backend-secret") == behind("CLUSTER ADDSLOTSRANGE 0 16383") == b"+OK\r\n"
        wait_until(lambda: b"CLUSTERDOWN" not in behind("GET q"))
        redis = emulator.connect()
        assert redis("HELLO", "3", "AUTH", user, token)["proto"] == 3
        for waits in (True, False):
            assert redis("SSUBSCRIBE", "channel") == ("push", ["ssubscribe", "channel", 1])
            if waits:
                redis.send("BLPOP", "q", "0")
                wait_until(lambda: b"blocked_clients:1" in behind("INFO clients"))
            assert behind("CLUSTER DELSLOTS 10328") == b"+OK\r\n", "the channel's"
            assert redis.read() == ("push", ["sunsubscribe", "channel", 0])
            redis.send("AUTH", user, token)
            redis.send("PING")
            if waits:
                emulator.connect().close()  # the gate has read the AUTH by then
                assert behind("LPUSH q 1") == b":1\r\n"
                assert redis.read() == ["q", "1"], "AUTH has its turn behind it"
            assert [redis.read(), redis.read()] == ["OK", "PONG"]
            assert behind("CLUSTER ADDSLOTS 10328") == b"+OK\r\n"
        redis.close()
    finally:
        direct.close(), server.kill(), server.wait(10)


def test_the_auth_of_a_client_that_does_not_read_is_run(emulator, owner, user):
    """Redis runs it however much waits to be read, and so many megabytes no buffer takes."""
    value = "x" * (1 << 20)
    assert owner("SET", "big", value) == "OK"
    for _ in range(40):
        owner.send("GET", "big")
    before = auths(emulator, user)
    owner.send("AUTH", user, emulator.token())
    wait_until(lambda: auths(emulator, user) > before)
    for _ in range(40):
        assert owner.read() == value
    assert owner.read() == "OK" and owner("DEL", "big") == 1


def auths(emulator, user):
    return emulator.control("/emulator/stats")[1]["redis"]["by_object_id"][user]["auths"]


def test_a_server_that_was_restarted_is_used_again(start, tmp_path):
    port = free_port()
    server = run_server(port, tmp_path)
    emulator = start("1h", proxy=f"redis://:backend-secret@127.0.0.1:{port}")
    user = emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]
    try:
        redis = emulator.connect()
        assert redis("AUTH", user, emulator.token()) == "OK"
        server.kill(), server.wait(10)
        with pytest.raises((EOFError, OSError)):
            redis("PING"), redis("PING")
        server = run_server(port, tmp_path)
        redis = emulator.connect()
        assert redis("AUTH", user, emulator.token()) == "OK" and redis("PING") == "PONG"
        assert emulator.control(f"/emulator/redis/policies/{user}", {"access": "reader"}, "PUT")[0] == 200
        assert redis("SET", "a", "1").startswith("-NOPERM")
        redis.close()
    finally:
        server.kill(), server.wait(10)


def test_the_servers_own_user_is_nobodys_object_id(emulator, owner):
    for name in ("default", "a%20b"):
        status, refusal = emulator.control(f"/emulator/redis/policies/{name}", {"access": "owner"}, "PUT")
        assert status == 400 and "is not an object id" in refusal["error"]
    assert owner("ACL", "USERS").count("default") == 1 and "a b" not in owner("ACL", "USERS")


def test_who_has_an_access_key_is_not_the_servers_own_user(emulator):
    keys = "/emulator/redis/access_keys"
    assert emulator.control(keys, {"enabled": True}, "PUT")[0] == 200
    try:
        redis = emulator.connect()
        assert redis("AUTH", emulator.control(keys)[1]["keys"][0]) == "OK" and redis("SET", "a", "1") == "OK"
        assert redis("ACL", "WHOAMI") == "entrakey-access-key"
        before = hashlib.sha256(b"backend-secret").hexdigest()
        assert f"#{before}" in next(user for user in redis("ACL", "LIST") if user.startswith("user default "))
        redis.close()
    finally:
        assert emulator.control(keys, {"enabled": False}, "PUT")[0] == 200
    redis = emulator.connect()
    user = emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]
    assert redis("AUTH", user, emulator.token()) == "OK" and redis("ACL", "WHOAMI") == user
    redis.close()


def test_what_azure_blocks_is_blocked_also_inside_a_transaction(owner):
    blocked = ["SWAPDB 0 1", "MODULE LIST", "REPLCONF x y", "FAILOVER", "MIGRATE a 1 b 0 1", "ACL DELUSER x", "MONITOR"]
    for command in blocked:
        assert owner(*command.split()).startswith("-ERR unknown command"), command
        assert owner("MULTI") == "OK" and owner(*command.split()).startswith("-NOPERM"), command
        assert owner("EXEC").startswith("-EXECABORT")


def test_a_server_that_is_not_there_is_named_at_once():
    command = [BINARY, "emulator", "--proxy", "redis://127.0.0.1:1"]
    ended = subprocess.run(command, capture_output=True, timeout=20, stdin=subprocess.DEVNULL)
    assert ended.returncode == 5 and b"127.0.0.1:1 does not answer" in ended.stderr
    command[-1] = "http://127.0.0.1:1"
    ended = subprocess.run(command, capture_output=True, timeout=20, stdin=subprocess.DEVNULL)
    assert ended.returncode == 2 and b"redis://host:port" in ended.stderr
