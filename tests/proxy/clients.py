"""Stock clients that know nothing of Entra: each is a program of its own that tells the same story.

A round: SET and GET; a long pipeline; PUBLISH of the round's number, which a subscriber of the same library takes to a
list through a third connection; a pop that waits for it there; and a pop that waits a second for nothing. A message that
is lost, doubled or out of order, a wrong answer, a closed connection: all of them end the program with an error. None
connects anew by itself.
"""

import json
import os
import subprocess
import sys
import threading

from conftest import ROOT
from running import PATIENCE_S

PROGRAMS = ROOT / "tests/proxy/programs"
PEERS = ROOT / "tests/peers"
CLASSES = f"{ROOT}/target/peers/java/classes:{ROOT}/target/peers/java/dependency/*"
# The machine's id: where there is loopback only, netty finds none and warns.
JAVA = ["java", "-XX:TieredStopAtLevel=1", "-Xmx128m", "-Dio.netty.machineId=02:00:00:00:00:00:00:01", "-cp", CLASSES]

# By name: the command, and whether it goes through the Unix socket.
COMMANDS = {
    "phpredis": (["php", PROGRAMS / "with_phpredis.php"], True),
    "Predis": (["php", PROGRAMS / "with_predis.php"], False),
    "redis-rb": (["ruby", PROGRAMS / "with_redis.rb"], False),
    "Sidekiq": (["ruby", PROGRAMS / "sidekiq_jobs.rb"], False),
    "hiredis": ([ROOT / "target/peers/hiredis"], True),
    "redis-py": ([sys.executable, PROGRAMS / "with_redis_py.py"], False),
    "node-redis": (["node", PEERS / "node/rounds.mjs", "node-redis"], False),
    "ioredis": (["node", PEERS / "node/rounds.mjs", "ioredis"], True),
    "go-redis": ([ROOT / "target/peers/go", "rounds"], False),
    "Jedis": ([*JAVA, "peers.Main", "jedis", "rounds"], False),
    "Lettuce": ([*JAVA, "peers.Main", "lettuce", "rounds"], False),
}


class Client:
    """A program that says "ready" after its first round, goes on until its standard input ends, and then says how
    many rounds there were."""

    def __init__(self, name, proxy, socket_path):
        command, by_socket = COMMANDS[name]
        command = ["nice", *command]  # they start with much work, at which nobody's token is to run out
        environment = {**os.environ, "REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(proxy.port), "NAME": name}
        environment["REDIS_URL"] = f"redis://:a-dummy@127.0.0.1:{proxy.port}/0"  # Sidekiq's
        if by_socket:
            environment["REDIS_SOCKET"] = str(socket_path)
        pipe = subprocess.PIPE
        self.name = name
        self.process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        self.complaints = []
        self._listener = threading.Thread(target=lambda: self.complaints.extend(self.process.stderr), daemon=True)
        self._listener.start()

    def wait_until_ready(self):
        line = self.process.stdout.readline()
        if line != "ready\n":
            self.process.kill()
            self._listener.join(PATIENCE_S)
            raise AssertionError(f"{self.name} did not begin, it said {line!r}: {''.join(self.complaints)}")

    def finish(self):
        """Tells it to end with this round."""
        self.process.stdin.close()

    def outcome(self):
        """Waits for its end: exit code, rounds, and what it complained of."""
        said = self.process.stdout.read()
        code = self.process.wait(PATIENCE_S)
        self._listener.join(PATIENCE_S)
        rounds = json.loads(said)["rounds"] if code == 0 else 0
        return {"code": code, "rounds": rounds, "said": "".join(self.complaints)}

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE_S)
