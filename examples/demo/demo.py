"""`make demo`: stock clients, one token each that lives for eight seconds, no reconnect.

Starts the emulator, runs examples/python/live.py, examples/node/live.mjs, examples/c/live.c and, where there are Go and Java,
examples/go/live and examples/java's Live against it, and redis-cli through `entrakey proxy`, for forty seconds, shows how they get on, and ends with a table. What the table says of connections and rotations
is what the emulator's Redis saw, not what the clients say. Exits 1 if any row is wrong.
"""

import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

from entrakey.emulator import Emulator

ROOT = pathlib.Path(__file__).resolve().parents[2]
GO_CLIENT = ROOT / "target/examples-go/live"  # scripts/build/go-examples.sh
JAVA_CLIENT = ROOT / "target/java/entrakey-examples"  # scripts/build/java-examples.sh
START_UP_S = 20


class Client:
    """One of the programs, and the last thing that it reported."""

    def __init__(self, name, command, object_id, environment, seconds):
        self.name, self.object_id = name, object_id
        self.report = {"commands": 0, "errors": 0, "reconnects": 0}
        self.process = subprocess.Popen(
            [*command, str(seconds)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.said = []
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._listen, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.report = json.loads(line)

    def _listen(self):
        self.said.extend(self.process.stderr)

    def row(self, stats):
        seen = stats["redis"]["by_object_id"].get(self.object_id, {})
        reconnects = max(seen.get("connections", 0) - 1, self.report["reconnects"])
        return {
            "client": self.name,
            "commands": self.report["commands"],
            "rotations": max(seen.get("auths", 0) - seen.get("connections", 0), 0),
            "reconnects": reconnects,
            "errors": self.report["errors"] + (self.process.poll() not in (None, 0)),
            "token fetches": stats["token_requests"]["issued_by_object_id"].get(self.object_id, 0),
        }


def start_clients(emulator, seconds):
    """Each with an identity of its own, so that the emulator can tell them apart."""
    with_identity = lambda **values: emulator.process_environment(**values)
    clients = [
        Client(
            "redis-py",
            [ROOT / ".venv/bin/python", ROOT / "examples/python/live.py"],
            emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"],
            with_identity(ENTRAKEY_IDENTITY="managed_identity"),
            seconds,
        ),
        Client(
            "node-redis",
            ["node", ROOT / "examples/node/live.mjs"],
            emulator["ENTRAKEY_EMULATOR_SERVICE_PRINCIPAL_OBJECT_ID"],
            with_identity(ENTRAKEY_IDENTITY="service_principal"),
            seconds,
        ),
        Client(
            "hiredis",
            [ROOT / "target/examples-c/live"],
            emulator["ENTRAKEY_EMULATOR_USER_ASSIGNED_OBJECT_ID"],
            with_identity(
                ENTRAKEY_IDENTITY="managed_identity",
                ENTRAKEY_CLIENT_ID=emulator["ENTRAKEY_EMULATOR_USER_ASSIGNED_CLIENT_ID"],
            ),
            seconds,
        ),
        Client(
            "redis-cli",
            [sys.executable, ROOT / "examples/demo/through_proxy.py"],
            emulator["ENTRAKEY_EMULATOR_FEDERATED_APP_OBJECT_ID"],
            emulator.process_environment("workload_identity", ENTRAKEY_IDENTITY="workload_identity"),
            seconds,
        ),
    ]
    if GO_CLIENT.exists():
        environment = emulator.process_environment("client_certificate", ENTRAKEY_IDENTITY="service_principal")
        environment["ENTRAKEY_LIBRARY"] = str(ROOT / "target/debug/libentrakey.so")
        clients.append(Client("rueidis", [GO_CLIENT], emulator["ENTRAKEY_EMULATOR_CERTIFICATE_APP_OBJECT_ID"], environment, seconds))
    else:
        print("  no Go 1.26 here: the demonstration goes without rueidis")
    if (JAVA_CLIENT / "class-path").exists():
        environment = emulator.process_environment("cloud_shell", ENTRAKEY_IDENTITY="managed_identity")
        environment["ENTRAKEY_LIBRARY"] = str(ROOT / "target/debug/libentrakey_java.so")
        class_path = f"{JAVA_CLIENT / 'classes'}:{(JAVA_CLIENT / 'class-path').read_text()}"
        command = ["java", "-cp", class_path, "examples.Live"]
        clients.append(Client("Lettuce", command, emulator["ENTRAKEY_EMULATOR_USER_OBJECT_ID"], environment, seconds))
    else:
        print("  no Java 17 with Maven here: the demonstration goes without Lettuce")
    return clients


def watch(clients, emulator, seconds, kill_redis_after):
    """Shows progress until every client has ended."""
    start, live = time.monotonic(), sys.stdout.isatty()
    next_line = 0.0
    while any(client.process.poll() is None for client in clients):
        passed = time.monotonic() - start
        if passed > seconds + START_UP_S:
            for client in clients:
                client.process.kill()
            break
        if kill_redis_after is not None and passed > kill_redis_after:
            emulator.control("POST", "/emulator/redis/stop")
            kill_redis_after = None
            print("\n  the Redis plane was stopped")
        if live or passed >= next_line:
            rows = [client.row(emulator.stats()) for client in clients]
            state = "  ".join(f"{r['client']} {r['commands']} commands, {r['rotations']} rotations" for r in rows)
            print(f"  {min(passed, seconds):4.0f} s of {seconds} s   {state}", end="\r" if live else "\n", flush=True)
            next_line += 5.0
        time.sleep(0.25)
    print()


def complaints(row, rotations_wanted):
    if row["commands"] == 0:
        yield "no command succeeded"
    if row["rotations"] < rotations_wanted:
        yield f"fewer than {rotations_wanted} rotations"
    if row["reconnects"] or row["errors"]:
        yield "reconnects or errors"
    if not row["rotations"] < row["token fetches"] <= row["rotations"] + 3:
        yield "token fetches and rotations do not match"


def table(rows, rotations_wanted):
    """Prints the table and says whether every row is right."""
    headings = list(rows[0])
    widths = [max(len(heading), *(len(str(row[heading])) for row in rows)) for heading in headings]
    print("  " + "  ".join(heading.ljust(width) for heading, width in zip(headings, widths)))
    all_right = True
    for row in rows:
        wrong = "; ".join(complaints(row, rotations_wanted))
        all_right = all_right and not wrong
        cells = "  ".join(str(row[heading]).ljust(width) for heading, width in zip(headings, widths))
        print(f"  {cells}  {'WRONG: ' + wrong if wrong else 'ok'}")
    return all_right


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=40)
    parser.add_argument("--token-lifetime", default="8s")
    parser.add_argument("--rotations", type=int, default=4, help="the fewest that count as success")
    parser.add_argument("--kill-redis-after", type=float, metavar="SECONDS", help="to see the demo fail")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
    os.environ.setdefault("ENTRAKEY_BIN", str(ROOT / "target/debug/entrakey"))
    with Emulator.start(token_lifetime=options.token_lifetime) as emulator:
        address = f"{emulator['REDIS_HOST']}:{emulator['REDIS_PORT']}"
        print(f"Emulator: tokens of {options.token_lifetime}, Redis with TLS on {address}")
        clients = start_clients(emulator, options.seconds)
        watch(clients, emulator, options.seconds, options.kill_redis_after)
        stats = emulator.stats()
    right = table([client.row(stats) for client in clients], options.rotations)
    for client in clients:
        for line in client.said[:5]:
            print(f"  {line.rstrip()}", file=sys.stderr)
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
