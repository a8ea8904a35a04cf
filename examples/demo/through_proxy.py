"""redis-cli, which knows nothing of Entra, through `entrakey proxy`: it reads and writes while its token is replaced.

usage: through_proxy.py SECONDS     (identity and addresses from the environment, see `entrakey emulator`)
Prints one line of JSON every half second: commands, errors and reconnects so far.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time


def start_proxy(path):
    server = f"{os.environ['REDIS_HOST']}:{os.environ['REDIS_PORT']}"
    command = [os.environ.get("ENTRAKEY_BIN", "entrakey"), "proxy", server, "--unix-socket", path, "--quiet"]
    return subprocess.Popen(command)


def listens(path):
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(path) == 0


class Cli:
    """One redis-cli, and with it one connection for as long as nothing ends it."""

    def __init__(self, path):
        pipe = subprocess.PIPE
        command = ["redis-cli", "-s", path]
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True)

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def __call__(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("redis-cli has ended")
        return line.rstrip("\n")


def main(seconds: float) -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/redis.sock"
        proxy = start_proxy(path)
        try:
            while not listens(path):
                if proxy.poll() is not None:
                    raise SystemExit("entrakey proxy has ended")
                time.sleep(0.01)
            with contextlib.closing(Cli(path)) as cli:
                return read_and_write(cli, seconds)
        finally:
            proxy.terminate()
            proxy.wait()


def read_and_write(cli, seconds):
    connection = cli("CLIENT ID")
    count = {"commands": 1, "errors": 0, "reconnects": 0}
    end, report = time.monotonic() + seconds, 0.0
    while time.monotonic() < end:
        value = str(count["commands"])
        answers = [cli(f"SET demo:redis-cli {value}"), cli("GET demo:redis-cli")]
        if answers == ["OK", value]:
            count["commands"] += 2
        else:
            count["errors"] += 1
            print(f"redis-cli: {answers}", file=sys.stderr)
            time.sleep(0.2)
        if (now := cli("CLIENT ID")) != connection:
            connection, count["reconnects"] = now, count["reconnects"] + 1
        if time.monotonic() > report:
            print(json.dumps(count), flush=True)
            report = time.monotonic() + 0.5
        time.sleep(0.01)
    print(json.dumps(count), flush=True)
    return count["errors"] + count["reconnects"]


if __name__ == "__main__":
    sys.exit(1 if main(float(sys.argv[1])) else 0)
