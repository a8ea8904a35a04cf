"""Access policies, families, dialects, access keys."""

import pytest

UNKNOWN = "-ERR unknown command"


@pytest.fixture(scope="module")
def emulator(start):
    return start("1h")


@pytest.fixture
def reader(emulator):
    """Its object id, and a connection of its own."""
    redis, object_id = emulator.connect(), emulator["ENTRAKEY_EMULATOR_READER_OBJECT_ID"]
    token = emulator.token("&client_id=" + emulator["ENTRAKEY_EMULATOR_READER_CLIENT_ID"])
    assert redis("AUTH", object_id, token) == "OK"
    yield object_id, redis
    assign(emulator, object_id, "reader")
    redis.close()


def assign(emulator, object_id, access):
    return emulator.control(f"/emulator/redis/policies/{object_id}", {"access": access}, "PUT")


def test_a_policy_changes_under_a_live_connection(emulator, reader):
    object_id, redis = reader
    assert redis("SET", "a", "b") == f"-NOPERM User {object_id} has no permissions to run the 'set' command"
    assert assign(emulator, object_id, "owner")[0] == 200 and redis("SET", "a", "b") == "OK"
    assert assign(emulator, object_id, "Data Contributor")[0] == 200
    assert redis("SET", "a", "b") == "OK" and redis("FLUSHALL").startswith("-NOPERM")
    assert redis("CLIENT", "LIST") == f"-NOPERM User {object_id} has no permissions to run the 'client|list' command"
    assert assign(emulator, object_id, "+@all -@dangerous ~cache:* %R~shared:* &news.*")[0] == 200
    assert redis("SET", "cache:1", "x") == "OK" and redis("GET", "shared:1") is None
    assert redis("SET", "shared:1", "x") == redis("GET", "other") == "-NOPERM No permissions to access a key"
    assert redis("PUBLISH", "other", "x") == "-NOPERM No permissions to access a channel"
    assert redis("PUBLISH", "news.x", "x") == 0 and redis("SUBSCRIBE", "other").startswith("-NOPERM")
    listed = emulator.control("/emulator/redis/policies")[1]
    assert listed[object_id] == "+@all -@dangerous ~cache:* %R~shared:* &news.*"


def test_a_policy_holds_for_what_was_queued_before_it_changed(emulator, reader):
    object_id, redis = reader
    assert assign(emulator, object_id, "owner")[0] == 200
    assert redis("MULTI") == "OK" and redis("SET", "queued", "x") == redis("GET", "queued") == "QUEUED"
    assert assign(emulator, object_id, "+@read +@transaction ~*")[0] == 200
    refused, read = redis("EXEC")
    assert refused.startswith("-NOPERM") and read is None


def test_a_policy_that_is_none_is_refused_and_changes_nothing(emulator, reader):
    object_id, redis = reader
    status, refusal = assign(emulator, object_id, "+@all +@nonsense ~*")
    assert status == 400 and "InvalidAccessString: '+@nonsense'" in refusal["error"]
    assert assign(emulator, object_id, "")[0] == 400
    assert redis("SET", "a", "b").startswith("-NOPERM")


def test_an_assignment_that_was_taken_away_ends_with_the_next_auth(emulator, reader):
    object_id, redis = reader
    path = f"/emulator/redis/policies/{object_id}"
    assert emulator.control(path, method="DELETE")[0] == 204
    assert redis("GET", "a") != "" and redis("PING") == "PONG"
    token = emulator.token("&client_id=" + emulator["ENTRAKEY_EMULATOR_READER_CLIENT_ID"])
    assert redis("AUTH", object_id, token).startswith("-WRONGPASS")
    assert emulator.control(path, method="DELETE")[0] == 404
    assert assign(emulator, object_id, "reader")[0] == 200 and redis("AUTH", object_id, token) == "OK"


def test_each_family_blocks_its_commands_and_has_its_own_words(start, emulator):
    managed = emulator.owner()
    assert managed("BGSAVE").startswith(UNKNOWN) and managed("ACL", "SETUSER", "x").startswith(UNKNOWN)
    assert managed("ACL", "WHOAMI") == emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]
    assert managed("CONFIG", "GET", "maxmemory") == []
    managed.close()
    classic = start("1h", family="classic")
    assert classic["ENTRAKEY_EMULATOR_REDIS_NAME"].endswith(".redis.cache.windows.net")
    stranger = classic.connect()
    assert stranger("AUTH", "x", "y") == stranger("AUTH", "key") == "-ERR WRONGPASS invalid username-password pair"
    stranger.close()
    redis = classic.owner()
    assert redis("ACL", "WHOAMI").startswith(UNKNOWN) and redis("CONFIG", "GET", "maxmemory").startswith(UNKNOWN)
    redis.close()
    mixed = start("1h", family="classic", dialect="oss").connect()
    assert mixed("AUTH", "x", "y") == "-WRONGPASS invalid username-password pair or user is disabled."
    mixed.close()


def test_switching_access_keys_ends_every_connection(start):
    emulator = start("1h", access_keys=True)
    keys = emulator.control("/emulator/redis/access_keys")[1]
    assert keys["enabled"] and len(keys["keys"]) == 2
    by_key, by_token = emulator.connect(), emulator.owner()
    assert by_key("AUTH", keys["keys"][1]) == "OK" and by_key("SET", "a", "b") == "OK"
    assert by_key("AUTH", "default", keys["keys"][0]) == "OK" and by_key("AUTH", "wrong").startswith("-WRONGPASS")
    assert emulator.control("/emulator/redis/access_keys", {"enabled": False}, "PUT") == (200, {"closed": 2})
    for redis in (by_key, by_token):
        with pytest.raises((EOFError, OSError)):
            redis("PING"), redis("PING")
    assert emulator.control("/emulator/redis/access_keys")[1] == {"enabled": False, "keys": None}
    again = emulator.owner()
    assert again("AUTH", keys["keys"][0]).startswith("-WRONGPASS") and again("PING") == "PONG"
    reasons = emulator.stats()["redis"]["auth_rejected"]
    assert reasons == {"access keys are switched off": 1, "the access key is wrong": 1}
    for redis in (by_key, by_token, again):
        redis.close()


def test_identities_may_have_rules_and_a_wrong_one_is_named(tmp_path):
    import subprocess

    from conftest import BINARY

    shown = subprocess.run([BINARY, "emulator", "--show-identities"], capture_output=True, text=True, timeout=20)
    file = tmp_path / "identities.toml"
    file.write_text(shown.stdout.replace('access = "reader"', 'access = "+@read +nope| ~*"'))
    ended = subprocess.run(
        [BINARY, "emulator", "--identities", file], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL
    )
    assert ended.returncode == 2 and "'reader'" in ended.stderr and "'+nope|'" in ended.stderr
