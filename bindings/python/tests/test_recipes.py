"""The recipes in examples/python/recipes, each past the end of its first token."""

import json
import os
import pathlib
import shutil
import socket
import socketserver
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from ports import free_port

RECIPES = pathlib.Path(__file__).resolve().parents[3] / "examples/python/recipes"
LIFETIME_S = 8
LONG_ENOUGH_S = LIFETIME_S + 1.5


@pytest.fixture
def server(tmp_path):
    """A real redis-server without TLS on loopback, for the emulator to stand before."""
    port = free_port()
    command = [shutil.which("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", tmp_path]
    process = subprocess.Popen([*command, "--requirepass", "behind"], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.02)
    yield f"redis://:behind@127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


@pytest.fixture
def recipe():
    """recipe(program): runs a program beside the recipes; it prints JSON."""

    def run(program, **environment):
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program)],
            cwd=RECIPES,
            env={**os.environ, "ENTRAKEY_IDENTITY": "managed_identity", **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "eyJ" not in done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


def connections(emulator):
    return emulator.connections(emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"])


def test_fastapi(start_emulator, recipe):
    emulator = start_emulator(f"{LIFETIME_S}s")
    seen = recipe(
        f"""
        import json, time
        from fastapi.testclient import TestClient
        from fastapi_app import app
        with TestClient(app) as client:
            first = client.get("/visits").json()
            end = time.monotonic() + {LONG_ENOUGH_S}
            while time.monotonic() < end:
                visits = client.get("/visits").raise_for_status().json()["visits"]
                time.sleep(0.05)
            health = client.get("/health")
            metrics = client.get("/metrics")
            print(json.dumps([first, visits, health.status_code, health.json()["state"], metrics.text]))
        """
    )
    assert seen[0] == {"visits": 1} and seen[1] > 20 and seen[2:4] == [200, "fresh"]
    assert 'provider="cache"' in seen[4]
    assert connections(emulator)["connections"] == 1 and connections(emulator)["auths"] >= 2


@pytest.mark.parametrize("backend", ["default", "django-redis"])
def test_django(start_emulator, recipe, backend):
    emulator = start_emulator(f"{LIFETIME_S}s")
    seen = recipe(
        f"""
        import json, os, time
        os.environ["DJANGO_SETTINGS_MODULE"] = "django_settings"
        import django
        django.setup()
        from django.core.cache import caches
        cache = caches["{backend}"]
        end, count = time.monotonic() + {LONG_ENOUGH_S}, 0
        while time.monotonic() < end:
            cache.set("key", {{"count": count}})
            assert cache.get("key") == {{"count": count}}
            count += 1
            time.sleep(0.05)
        print(json.dumps(count))
        """
    )
    assert seen > 20
    assert connections(emulator)["connections"] == 1 and connections(emulator)["auths"] >= 2


class Sentinels(socketserver.StreamRequestHandler):
    """Says to everything where the master is; as much of a sentinel as a client asks for."""

    master = None

    def handle(self):
        while header := self.rfile.readline():
            words = []
            for _ in range(int(header[1:])):
                length = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(length + 2)[:-2])
            self.wfile.write(self.answer([word.upper() for word in words]))

    def answer(self, words):
        if words[:2] == [b"SENTINEL", b"MASTERS"]:
            host, port = self.master
            fields = {"name": "mymaster", "ip": host, "port": port, "flags": "master", "num-other-sentinels": "1"}
            flat = [str(part) for pair in fields.items() for part in pair]
            packed = "".join(f"${len(part)}\r\n{part}\r\n" for part in flat)
            return f"*1\r\n%{len(fields)}\r\n{packed}".encode()
        return b"%1\r\n$5\r\nproto\r\n:3\r\n" if words[0] == b"HELLO" else b"+OK\r\n"


def test_flask_with_sentinel(start_emulator, recipe):
    emulator = start_emulator(f"{LIFETIME_S}s")
    Sentinels.master = emulator["REDIS_HOST"], int(emulator["REDIS_PORT"])
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Sentinels) as sentinel:
        sentinel.daemon_threads = True
        threading.Thread(target=sentinel.serve_forever, daemon=True).start()
        seen = recipe(
            f"""
            import json, time
            from flask_app import app
            client = app.test_client()
            end = time.monotonic() + {LONG_ENOUGH_S}
            while time.monotonic() < end:
                answer = client.get("/visits")
                assert answer.status_code == 200
                time.sleep(0.05)
            print(json.dumps(answer.json))
            """,
            REDIS_SENTINELS=f"127.0.0.1:{sentinel.server_address[1]}",
        )
        sentinel.shutdown()
    assert seen["visits"] > 20
    assert connections(emulator)["connections"] == 1 and connections(emulator)["auths"] >= 2


def test_celery(start_emulator, server, recipe):
    start_emulator(f"{LIFETIME_S}s", proxy=server)
    seen = recipe(
        f"""
        import json, subprocess, sys, time
        from celery_app import add
        command = [sys.executable, "-m", "celery", "-A", "celery_app", "worker", "--concurrency", "2", "-l", "WARNING"]
        worker = subprocess.Popen([*command, "--without-gossip", "--without-mingle"], stdout=sys.stderr)
        try:
            sums, end = [add.delay(1, 1).get(timeout=30)], time.monotonic() + {LONG_ENOUGH_S}
            while time.monotonic() < end:
                sums.append(add.delay(len(sums), 1).get(timeout=20))
                time.sleep(0.2)
        finally:
            worker.terminate()
            worker.wait(20)
        print(json.dumps(sums))
        """
    )
    assert len(seen) >= 5 and seen == [2, *range(2, len(seen) + 1)]


def test_rq(start_emulator, server, recipe):
    start_emulator(f"{LIFETIME_S}s", proxy=server)
    seen = recipe(
        f"""
        import json, subprocess, sys, time
        from rq_worker import queue
        worker = subprocess.Popen([sys.executable, "rq_worker.py"], stdout=sys.stderr)
        try:
            results, end = [], time.monotonic() + {LONG_ENOUGH_S}
            while time.monotonic() < end:
                job = queue.enqueue("operator.add", len(results), 1)
                late = time.monotonic() + 20
                while not job.is_finished:
                    assert time.monotonic() < late, job.get_status()
                    time.sleep(0.02)
                results.append(job.return_value())
        finally:
            worker.terminate()
            worker.wait(20)
        print(json.dumps(results))
        """
    )
    assert len(seen) >= 5 and seen == list(range(1, len(seen) + 1))
