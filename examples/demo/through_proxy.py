"""redis-cli, which knows nothing of Entra, through `entrakey proxy`: it reads and writes while its token is replaced.

usage: through_proxy.py SECONDS     (identity and addresses from the environment, see `entrakey emulator`)
Prints one line of JSON every half second: commands, errors and reconnects so far.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time


def start_proxy():
    """The proxy and its port, once it says that it listens: a connection that only tried would be one to the server, too."""
    server = f"{os.environ['REDIS_HOST']}:{os.environ['REDIS_PORT']}"
    command = [os.environ.get("ENTRAKEY_BIN", "entrakey"), "proxy", server, "--port", "0"]
    proxy = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    for line in proxy.stderr:
        if found := re.search(r" listening on \S+:(\d+) ", line):
            threading.Thread(target=pass_on, args=(proxy.stderr,), daemon=True).start()
            return proxy, found[1]
        print(line, end="", file=sys.stderr)
    raise SystemExit("entrakey proxy has ended")


def pass_on(lines):
    """What the proxy says, but for what goes well."""
    for line in lines:
        if " INFO " not in line:
            print(line, end="", file=sys.stderr, flush=True)


class Cli:
    """One redis-cli, and with it one connection for as long as nothing ends it."""

    def __init__(self, port):
        pipe = subprocess.PIPE
        command = ["redis-cli", "-p", port]
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
    proxy, port = start_proxy()
    try:
        with contextlib.closing(Cli(port)) as cli:
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
