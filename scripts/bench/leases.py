#!/usr/bin/env python3
"""Usage: leases.py ENTRAKEY RATE     how fast leases are journalled, and whether they wait for Entra beside each other

RATE (services/leases/examples/rate.rs) makes and revokes leases, a hundred at a time, at an Azure that answers at once,
and makes the same commits bare on SQLite, in turns: leases a second. Then a hundred leases are asked for at once from
`entrakey leases serve`, of an emulator whose Entra takes a new secret after some seconds. Made of release builds.
"""

import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

LEAST_RATIO = 0.5
LEASES, DELAY_S = 100, 8
APPLICATION = "cccccccc-c000-4000-8000-00000000000c"
FILE = """
propagation-wait = "60s"
[entrakey]
tenant_id = "72f988bf-0000-4000-8000-000000000001"
identity = "service_principal"
client_id = "dddddddd-c000-4000-8000-00000000000d"
client_secret = "emulated-lease-manager-secret~value"
[secrets.orders]
kind = "application_password"
application-id = "{application}"
"""


def started(stack, command, **more):
    process = stack.enter_context(subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], text=True, **more))
    stack.callback(process.kill)
    return process


def rates(rate, folder):
    """Medians of ours and of the bare ones."""
    ended = subprocess.run([rate, str(folder)], capture_output=True, text=True, check=True)
    rounds = [list(map(float, line.split())) for line in ended.stdout.splitlines()]
    return [statistics.median(column) for column in zip(*rounds)]


def waiting(entrakey, folder, stack):
    """Seconds until a hundred leases are there that were asked for at once."""
    command = [entrakey, "emulator", "--format=json", "--quiet", "--exit-with-parent", f"--secret-delay={DELAY_S}s"]
    emulator = started(stack, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    environment = {**os.environ, **json.loads(emulator.stdout.readline())}
    # Whoever the emulator's shell would be is another one than the leases' identity.
    for variable in ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID", "ENTRAKEY_IDENTITY"):
        environment.pop(variable, None)
    config = folder / "leases.toml"
    config.write_text(FILE.format(application=APPLICATION))
    where = ["--config-file", str(config), "--database", str(folder / "leases.db")]
    made = [entrakey, "leases", "token", "create", "bench", "--role", "issue", "--secret", "orders", *where]
    token = subprocess.run(made, env=environment, capture_output=True, text=True, check=True).stdout.strip()
    log = stack.enter_context(open(folder / "log", "w"))
    service = started(stack, [entrakey, "leases", "serve", "--port", "0", *where], env=environment, stderr=log)
    while not (found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", (folder / "log").read_text())):
        assert service.poll() is None, (folder / "log").read_text()
        time.sleep(0.05)

    def one(_):
        connection = http.client.HTTPConnection("127.0.0.1", int(found.group(1)), timeout=120)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/leases", json.dumps({"secret": "orders"}), headers)
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == 201, text
        return json.loads(text)["lease_id"]

    with concurrent.futures.ThreadPoolExecutor(LEASES) as all_at_once:
        since = time.monotonic()
        leases = set(all_at_once.map(one, range(LEASES)))
        took = time.monotonic() - since
    assert len(leases) == LEASES
    return took


def main(entrakey, rate):
    with contextlib.ExitStack() as stack:
        # On the disk that this repository is on: a file system in memory has no flush.
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(dir=pathlib.Path(rate).parent)))
        ours, bare = rates(rate, folder)
        took = waiting(entrakey, folder, stack)
    print("leases: made and revoked a second, five commits each, 100 at a time")
    print(f"  with their journal  {ours:8.0f}")
    print(f"  bare SQLite         {bare:8.0f}    ratio {ours / bare:.2f}, at least {LEAST_RATIO}")
    print(f"  {LEASES} that wait {DELAY_S} s for Entra together: all there after {took:.1f} s (one after the other {LEASES * DELAY_S} s)")
    assert ours / bare >= LEAST_RATIO, "leases are journalled too slowly"
    assert took < 10 * DELAY_S, "leases wait for each other"


if __name__ == "__main__":
    main(*sys.argv[1:])
