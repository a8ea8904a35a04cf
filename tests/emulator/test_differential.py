"""The emulator's Redis against redis-server: the same random commands to both, reply by reply and type by type.

Left out by name, with the reason:
- AUTH, HELLO, RESET, QUIT, ACL, CLIENT, CONFIG, INFO, COMMAND, CLUSTER, READONLY, READWRITE, ASKING, ROLE: what they
  say is Azure's (its users, its version, its topology), not redis-server's.
- TIME: the emulator's clock can be set.
- SUBSCRIBE and its like, PUBLISH: tests/emulator/test_connection_state.py has them; what they do is not a reply.
- BLPOP and its like with nothing to take: they would wait. They are asked inside a transaction, where nothing waits.
"""

import os
import random
import shutil
import socket
import time

import pytest
from ports import free_port
from test_proxy import run_server

SEED = int(os.environ.get("ENTRAKEY_SEED", "58"))
STEPS = int(os.environ.get("ENTRAKEY_STEPS", "3000"))
# Steps of one history: after each everything is flushed, so that keys come and go.
HISTORY = 100
# What two servers that are asked one after the other may differ by in the life that is left to a key.
TOLERANCE_MS = 2000

# Of one slot: across slots the emulator's single endpoint refuses, as Azure's does.
KEYS = [f"{{t}}{kind}{number}" for kind in "slhe" for number in range(2)] + ["{t}", "{t}nothing"]
INTEGERS = [
    "0", "1", "2", "3", "-1", "-2", "5", "10", "100", "01", "+1", "-0", "", " 1", "1 ", "1.0", "1e3", "x", "-", "+",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
    "9223372036854775", "9223372036854776", "4611686018427387904", "99999999999999999999",
]  # fmt: skip
VALUES = ["", "a", "b", "c", "word", "two words", "line\r\nbreak", "\x00", "é", *INTEGERS]
FIELDS = ["f", "g", "h", "", "1"]
NOW = int(time.time())
# None that comes while the test runs.
MOMENTS = [number for number in INTEGERS if number not in ("1", "2", "3", "5", "10", "100", "1000")]
MOMENTS += ["100000", str(NOW + 1000), str((NOW + 1000) * 1000), str(NOW - 1000)]
SET_OPTIONS = ["NX", "XX", "GET", "KEEPTTL", "EX", "PX", "EXAT", "PXAT", "nx", "ex", "nonsense", ""]
EXPIRE_OPTIONS = ["NX", "XX", "GT", "LT", "gt", "nonsense", ""]
SCAN_OPTIONS = ["MATCH", "COUNT", "TYPE", "match", "nonsense"]
PATTERNS = ["*", "{t}s*", "*?0", "{t}[sl]*", "nothing", "", "\\*", "[^s]*"]
ENDS = ["LEFT", "RIGHT", "left", "nonsense"]
TYPES = ["string", "list", "hash", "set", "STRING", "zset", "nonsense"]

# What each takes, a list of what each word may be; "..." repeats the last ones once or more.
COMMANDS = {
    "GET": "k", "MGET": "kkk", "STRLEN": "k", "SETNX": "kv", "SETEX": "kmv", "PSETEX": "kmv", "MSET": "kvkv",
    "GETSET": "kv", "GETDEL": "k", "APPEND": "kv", "INCR": "k", "DECR": "k", "INCRBY": "ki", "DECRBY": "ki",
    "SET": "kv", "DEL": "kk", "UNLINK": "kk", "EXISTS": "kk", "TOUCH": "kk", "TYPE": "k", "EXPIRE": "km",
    "PEXPIRE": "km", "PERSIST": "k", "TTL": "k", "PTTL": "k", "KEYS": "p", "SCAN": "i", "DBSIZE": "",
    "HSET": "kfvfv", "HMSET": "kfv", "HGET": "kf", "HMGET": "kff", "HGETALL": "k", "HKEYS": "k", "HVALS": "k",
    "HLEN": "k", "HEXISTS": "kf", "HDEL": "kff", "HINCRBY": "kfi", "LPUSH": "kvv", "RPUSH": "kvv", "LPOP": "k",
    "RPOP": "ki", "LLEN": "k", "LRANGE": "kii", "LREM": "kiv", "LTRIM": "kii", "LMOVE": "kkee", "RPOPLPUSH": "kk",
    "BLPOP": "kki", "BRPOP": "ki", "BLMOVE": "kkeei", "BRPOPLPUSH": "kki", "SADD": "kvv", "SREM": "kvv",
    "SMEMBERS": "k", "SUNION": "kk", "SISMEMBER": "kv", "SCARD": "k", "PING": "v", "ECHO": "v", "SELECT": "d", "MULTI": "", "EXEC": "",
    "DISCARD": "", "WATCH": "kk", "UNWATCH": "", "FLUSHDB": "", "FLUSHALL": "", "WAIT": "ii", "NONSENSE": "vv",
}  # fmt: skip
WORDS = {
    "k": KEYS, "v": VALUES, "i": INTEGERS, "m": MOMENTS, "p": PATTERNS, "f": FIELDS, "e": ENDS,
    "d": ["0", "x", "01", "", "99999999999", "-1"],  # Azure has one database
}  # fmt: skip
WEIGHTS = {"SET": 6, "EXPIRE": 4, "PEXPIRE": 3, "SCAN": 4, "MULTI": 3, "EXEC": 6, "LMOVE": 3, "RPOPLPUSH": 3}
BLOCKING = {"BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH"}
# In no order that is promised.
UNORDERED = {"KEYS", "SCAN", "HGETALL", "HKEYS", "HVALS", "SMEMBERS", "SUNION"}


class Commands:
    """Draws one after the other; knows only whether a transaction may be open."""

    def __init__(self, dice):
        self.dice, self.multi = dice, False

    def next(self):
        names = list(COMMANDS)
        name = self.dice.choices(names, [WEIGHTS.get(name, 2) for name in names])[0]
        if name in BLOCKING and not self.multi:
            name = "MULTI"
        words = [self.dice.choice(WORDS[kind]) for kind in COMMANDS[name]]
        words = self.options(name, words)
        if self.dice.random() < 0.08:  # the wrong number of words
            another = [self.dice.choice(KEYS)]  # before the timeout of those that have one
            longer = another + words if name in BLOCKING else words + another
            words = words[:-1] if self.dice.random() < 0.5 else longer
        if name == "EXEC" or name in ("MULTI", "DISCARD") and not words:
            self.multi = name == "MULTI"
        elif name == "WAIT" and len(words) == 2:  # for no replicas, and so at once
            words = [self.dice.choice(["0", "-1", "x", "00"]), words[1]]
        shown = self.dice.choice([name, name, name.lower(), name.title()])
        return [shown, *words]

    def options(self, name, words):
        draw = self.dice.choice
        for _ in range(draw([0, 0, 1, 1, 2, 3])):
            if name == "SET":
                option = draw(SET_OPTIONS)
                words += [option, *([draw(MOMENTS)] if option.upper() in ("EX", "PX", "EXAT", "PXAT") else [])]
            elif name in ("EXPIRE", "PEXPIRE"):
                words += [draw(EXPIRE_OPTIONS)]
            elif name == "SCAN":
                option = draw(SCAN_OPTIONS)
                words += [option, draw({"MATCH": PATTERNS, "TYPE": TYPES}.get(option.upper(), INTEGERS))]
            elif name in ("FLUSHDB", "FLUSHALL"):
                words += [draw(["ASYNC", "SYNC", "nonsense"])]
            elif name in ("LPOP", "RPOP") and len(words) == 1:
                words += [draw(INTEGERS)]
        if name == "SCAN" and self.dice.random() < 0.8:
            words[0] = "0"  # a cursor of one's own is a place that only that server knows
        elif name == "SCAN":
            words[0] = draw(["x", "", "00", "1.0", " 0", "0 ", "99999999999999999999"])
        return words


class Server:
    """A connection that keeps apart what the protocol keeps apart: replies are pairs of a type and a value."""

    def __init__(self, sock, protocol, *auth):
        self.socket, self.file = sock, sock.makefile("rb")
        assert self("HELLO", str(protocol), *auth)[0] in "*%"

    def __call__(self, *words):
        words = [word.encode("utf-8", "surrogateescape") for word in words]
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        return self.read()

    def read(self):
        line = self.file.readline()
        assert line, "the connection was closed"
        kind, rest = line[:1].decode(), line[1:-2]
        if kind in "+-:_#,(":
            return kind, rest
        if rest == b"-1":
            return kind, None
        if kind == "$":
            return kind, self.file.read(int(rest) + 2)[:-2]
        number = int(rest) * (2 if kind == "%" else 1)
        return kind, [self.read() for _ in range(number)]

    def pushes(self):
        """What was sent unasked, in RESP3, up to now."""
        found = []
        self.socket.sendall(b"*2\r\n$4\r\nECHO\r\n$3\r\nend\r\n")
        while (reply := self.read()) != ("$", b"end"):
            found.append(reply)
        return found

    def close(self):
        self.file.close()
        self.socket.close()


def comparable(words, reply):
    """A reply without what is nobody's promise: order. Text and type stay."""
    name, (kind, value) = words[0].upper(), reply
    if name not in UNORDERED or not isinstance(value, list):
        return reply
    if name == "SCAN" and len(value) == 2:
        return kind, [value[0], comparable(["KEYS"], value[1])]
    if name == "HGETALL":
        value = list(zip(value[::2], value[1::2]))
    return kind, sorted(value, key=repr)


def same(words, left, right):
    name = words[0].upper()
    if name == "DBSIZE":  # redis-server counts what has expired until it finds it
        return left[0] == right[0]
    if name in ("TTL", "PTTL") and left[0] == right[0] == ":" and int(left[1]) >= 0 and int(right[1]) >= 0:
        return abs(int(left[1]) - int(right[1])) * (1000 if name == "TTL" else 1) <= TOLERANCE_MS
    return comparable(words, left) == comparable(words, right)


def scanned(server, words, reply):
    """SCAN's reply with all that follows: how much comes at a time is the server's affair."""
    while reply[0] == "*" and reply[1][0][1] != b"0":
        more = server(words[0], reply[1][0][1].decode(), *words[2:])
        assert more[0] == "*", more
        reply = ("*", [more[1][0], (more[1][1][0], reply[1][1][1] + more[1][1][1])])
    return reply


def same_all(queue, words, left, right):
    """EXEC's reply has the order and the tolerance of each that was queued."""
    if words[0].upper() != "EXEC" or not (isinstance(left[1], list) and isinstance(right[1], list)):
        return same(words, left, right)
    if len(left[1]) != len(right[1]) or left[0] != right[0]:
        return False
    in_parts = lambda words, reply: words[0].upper() == "SCAN" and reply[0] == "*"  # the rest of it is not to be had
    replies = zip(queue, left[1], right[1])
    return all(in_parts(words, a) and in_parts(words, b) or same(words, a, b) for words, a, b in replies)


def difference(pair, history):
    """The first step whose replies differ, and both; none if all are the same."""
    for server in pair:
        server("DISCARD"), server("UNWATCH"), server("FLUSHALL")
    queue = []
    for place, words in enumerate(history):
        left, right = (server(*words) for server in pair)
        if words[0].upper() == "SCAN":
            left, right = (scanned(server, words, reply) for server, reply in zip(pair, (left, right)))
        if not same_all(queue, words, left, right):
            return place, left, right
        if left == ("+", b"QUEUED"):
            queue.append(words)
        elif words[0].upper() == "EXEC" or words[0].upper() == "DISCARD" and left == ("+", b"OK"):
            queue = []
    return None


def shrunk(pair, history):
    """As few of the steps as still show a difference."""
    found = difference(pair, history)
    if found is None:
        return history
    history, place = history[: found[0] + 1], 0
    while place < len(history):
        fewer = history[:place] + history[place + 1 :]
        found = None if waits(fewer) else difference(pair, fewer)
        if found:
            history = fewer[: found[0] + 1]
        else:
            place += 1
    return history


def waits(history):
    """A step that would wait has lost its MULTI."""
    is_open = False
    for words in history:
        name = words[0].upper()
        if name == "EXEC" or name in ("MULTI", "DISCARD") and len(words) == 1:
            is_open = name == "MULTI"
        elif name in BLOCKING and not is_open:
            return True
    return False


# Of the commands that are left out above: what they say to a mistake is not Azure's.
MISTAKES = [
    "CLIENT", "CLIENT NOSUCH", "CLIENT SETNAME a b", "CLIENT SETNAME \x01", "CLIENT ID x", "CLIENT INFO x", "CLIENT KILL",
    "CONFIG", "CONFIG NOSUCH", "CONFIG GET", "ACL", "ACL NOSUCH", "ACL WHOAMI x", "COMMAND NOSUCH", "COMMAND GETKEYS",
    "COMMAND GETKEYS GET", "COMMAND GETKEYS GET a", "COMMAND COUNT x", "TIME x", "ROLE x", "HELLO 4", "HELLO x",
    "HELLO 3 NONSENSE", "HELLO 3 SETNAME", "AUTH", "AUTH a b c", "UNWATCH x", "RESET x", "PUBLISH a", "PUBLISH a b c",
    "CLIENT TRACKING", "CLIENT TRACKING maybe", "CLIENT TRACKING ON NOSUCH", "CLIENT TRACKING ON OPTIN OPTOUT",
    "CLIENT TRACKING ON BCAST OPTIN", "CLIENT TRACKING ON PREFIX a", "CLIENT TRACKING ON PREFIX", "CLIENT CACHING",
    "CLIENT CACHING YES", "SPUBLISH a", "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "READONLY x", "ASKING x", "CLUSTER", "SELECT -1",
]  # fmt: skip


@pytest.fixture(scope="module")
def addresses(start, tmp_path_factory):
    assert shutil.which("redis-server"), "the tests need redis-server"
    port = free_port()
    server = run_server(port, tmp_path_factory.mktemp("server"))
    try:
        yield start("1h"), port
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(params=[2, 3])
def protocol(request):
    return request.param


@pytest.fixture
def pair(addresses, protocol):
    """The emulator, and redis-server."""
    emulator, port = addresses
    user = emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]
    servers = (
        Server(emulator.connect().socket, protocol, "AUTH", user, emulator.token()),
        Server(socket.create_connection(("127.0.0.1", port), 10), protocol, "AUTH", "default", "backend-secret"),
    )
    yield servers
    for server in servers:
        server.close()


@pytest.mark.parametrize("request_line", MISTAKES)
def test_a_mistake_has_the_reply_of_redis_server(pair, request_line):
    ours, redis_server = (server(*request_line.split(" ")) for server in pair)
    assert ours == redis_server


TRACKED = [
    ["ON", "GET {t}a", "GET {t}b", "!SET {t}a 1", "!SET {t}a 2", "!DEL {t}b", "!DEL {t}b", "OFF", "GET {t}a", "!SET {t}a 3"],
    ["ON OPTIN", "GET {t}a", "!SET {t}a 1", "CACHING YES", "GET {t}a", "GET {t}b", "!SET {t}b 1", "!SET {t}a 2"],
    ["ON OPTIN", "CACHING YES", "MULTI", "PTTL {t}a", "GET {t}a", "EXEC", "GET {t}b", "!SET {t}a 1", "!SET {t}b 1"],
    ["ON OPTOUT", "CACHING NO", "GET {t}a", "GET {t}b", "!SET {t}a 1", "!SET {t}b 1", "CACHING YES", "ON OPTIN", "ON BCAST"],
    ["ON BCAST PREFIX {t}a PREFIX {t}b", "!SET {t}aa 1", "!SET {t}c 1", "!SET {t}b 1", "CACHING YES", "ON"],
    ["ON", "GET {t}a", "!FLUSHALL", "GET {t}a", "=SET {t}a own", "MGET {t}a {t}b", "!MSET {t}b 1 {t}a 2", "!FLUSHDB"],
    ["ON", "HGET {t}h f", "!HSET {t}h f 1", "LRANGE {t}l 0 -1", "!RPUSH {t}l 1", "SMEMBERS {t}s", "!SADD {t}s 1"],
]


@pytest.mark.parametrize("protocol", [3], indirect=True)
@pytest.mark.parametrize("history", TRACKED, ids=lambda history: history[0])
def test_a_client_that_caches_is_told_what_redis_server_would_tell(pair, addresses, history):
    """With "!" it is another client that does it, with "=" a change is its own."""
    emulator, port = addresses
    others = emulator.owner(), Server(socket.create_connection(("127.0.0.1", port), 10), 3, "AUTH", "default", "backend-secret")
    heard = []
    for server, other in zip(pair, others):
        server("FLUSHALL")
        log = []
        for step in history:
            words = step.split()
            if step[0] in "!=":
                words[0] = words[0][1:]
                (other if step[0] == "!" else server)(*words)
                log.append(sorted(server.pushes(), key=repr))
            elif words[0] in ("ON", "OFF", "CACHING"):
                log.append(server("CLIENT", *(words if words[0] == "CACHING" else ["TRACKING", *words])))
            else:
                log.append(server(*words))
        log.append(server.pushes())
        heard.append(log)
        other.close()
    assert heard[0] == heard[1]


def test_random_commands_have_the_replies_of_redis_server(pair, protocol):
    dice, found = random.Random(SEED + protocol), []
    for _ in range(STEPS // HISTORY):
        commands = Commands(dice)
        history = [commands.next() for _ in range(HISTORY)]
        if difference(pair, history):
            history = shrunk(pair, history)
            _, left, right = difference(pair, history) or (0, "?", "? differs only after what was flushed")
            found.append(f"{history}\n    emulator     {left}\n    redis-server {right}")
    assert not found, f"seed {SEED}, RESP{protocol} (ENTRAKEY_SEED={SEED} repeats it):\n" + "\n".join(found)
