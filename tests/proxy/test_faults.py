"""What breaks around the proxy, and that whoever comes next is served without anything being restarted."""

import contextlib
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from entrakey.emulator import Emulator
from running import PATIENCE_S, Proxy, wait_until
from stories import never_pauses

MANY = 20


def connect(proxy, **more):
    """A client of one connection: what goes wrong with it is an error."""
    given = {"port": proxy.port, "decode_responses": True, "socket_timeout": PATIENCE_S, "retry": None, **more}
    return contextlib.closing(redis.Redis(**given, single_connection_client=True))


@pytest.fixture
def short():
    with Emulator.start(token_lifetime="4s") as emulator:
        yield emulator


@pytest.fixture
def azure():
    """Tokens of an hour: none runs out on its way, however busy the machine is."""
    with Emulator.start() as emulator:
        yield emulator


def test_entra_is_down_for_longer_than_a_token_lives_and_back(short):
    impatient = Proxy(short, "--connect-timeout", "3s", identity="service_principal")
    patient = Proxy(short, "--connect-timeout", "10m", identity="service_principal")
    with impatient, patient, ThreadPoolExecutor() as threads:
        with connect(impatient) as client, connect(patient) as other:
            assert client.set("kept", "value") and other.get("kept") == "value"
            down = {"route": "token", "answers": [{"status": 503, "times": 1_000_000}]}
            short.control("POST", "/emulator/faults", down)
            for one in (client, other):
                with pytest.raises(redis.ConnectionError):
                    one.blpop(["nothing"], 0)  # to the end of the token

        def is_told_why():
            try:
                with connect(impatient) as client:
                    return not client.ping()
            except redis.RedisError as error:
                return "503" in str(error)

        wait_until("the token has run out here too", is_told_why)
        waiting = threads.submit(lambda: redis.Redis(port=patient.port, socket_timeout=PATIENCE_S).get("kept"))
        wait_until("it waits", lambda: patient.counted("connections", state="waiting") == 1)
        short.control("DELETE", "/emulator/faults")
        assert waiting.result(PATIENCE_S) == b"value"
        with connect(patient) as client:
            assert client.get("kept") == "value"

        def is_served():
            with contextlib.suppress(redis.RedisError), connect(impatient) as client:
                return client.get("kept") == "value"

        wait_until("the impatient one has a token too", is_served)


def test_the_redis_is_restarted(azure):
    who = azure["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]
    with Proxy(azure, "--connect-timeout", "5s") as proxy, contextlib.ExitStack() as clients:
        those = [clients.enter_context(connect(proxy)) for _ in range(MANY)]
        assert all(client.ping() for client in those)
        azure.control("POST", "/emulator/redis/stop")
        for client in those:
            with pytest.raises(redis.ConnectionError):
                client.ping()
        with pytest.raises(redis.RedisError, match="localhost:"), connect(proxy) as client:
            client.ping()
        azure.control("POST", "/emulator/redis/start")
        before = azure.connections(who)["connections"]
        those = [clients.enter_context(connect(proxy)) for _ in range(MANY)]
        assert all(client.set("key", "value") for client in those)
        seen = azure.connections(who)  # each with an AUTH of its own, or it would have been refused
        assert seen["connections"] - before == MANY and seen["auths"] >= seen["connections"], seen


def test_the_proxy_is_killed_and_another_takes_its_port_and_its_socket(emulator, tmp_path):
    path = tmp_path / "redis.sock"
    with Proxy(emulator, "--unix-socket", str(path)) as proxy:
        by_port = redis.Redis(port=proxy.port, retry=None)
        by_socket = redis.Redis(unix_socket_path=str(path), retry=None)
        assert by_port.set("killed", "no") and by_socket.get("killed") == b"no"
        proxy.kill()
        for client in (by_port, by_socket):
            with pytest.raises(redis.ConnectionError):
                client.ping()
        assert path.exists(), "nobody has cleared it away"
        with Proxy(emulator, "--unix-socket", str(path), port=proxy.port):
            assert by_port.get("killed") == by_socket.get("killed") == b"no"  # they connect anew by themselves
            assert path.stat().st_mode & 0o777 == 0o600
        by_port.close(), by_socket.close()


def test_sigterm_with_work_under_way(emulator, server):
    direct = redis.Redis.from_url(server.url)
    direct.delete("queue", "under:way")
    with Proxy(emulator, "--max-sigterm-delay", "10m") as proxy, ThreadPoolExecutor() as threads:
        with connect(proxy) as worker, connect(proxy) as client, contextlib.closing(never_pauses(proxy.port)) as busy:
            next(busy)
            popped = threads.submit(worker.blpop, ["queue"], 0)
            wait_until("it waits", lambda: direct.info("clients")["blocked_clients"] == 1)
            client.execute_command("MULTI")
            client.execute_command("INCR", "under:way")
            proxy.terminate()
            proxy.wait_for("ending because of SIGTERM")

            def is_refused():
                with contextlib.suppress(redis.ConnectionError), connect(proxy) as late:
                    return not late.ping()
                return True

            wait_until("nobody else is taken", is_refused)
            for _ in range(20):
                next(busy)
            assert client.execute_command("EXEC") == [1]
            client.rpush("queue", "element")
            assert popped.result(PATIENCE_S) == ("queue", "element")
        assert proxy.ended() == 143
        assert proxy.complaints() == []


def test_sigterm_without_a_delay_cuts_off_and_says_so(emulator):
    with Proxy(emulator) as proxy, connect(proxy) as client:
        assert client.ping()
        proxy.terminate()
        assert proxy.ended() == 143
        (complaint,) = proxy.complaints()
        assert complaint["message"].startswith("1 ") and "cut off" in complaint["message"]
        with pytest.raises(redis.ConnectionError):
            client.ping()
