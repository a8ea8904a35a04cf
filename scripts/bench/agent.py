#!/usr/bin/env python3
"""Usage: agent.py ENTRAKEY BARE LOAD     1,000 clients of the agent, beside a bare axum handler

Answers a second on App Service's endpoint, each client with a connection of its own that asks again when it has its
answer, and the most memory that each server had. The two take turns, so that both get what the machine gives at the
time. The agent hands out a token of the emulator's, checks each client's secret, and writes its line of audit for each
hand-out to a file; the handler answers as many bytes. The limit of requests is off (--max-requests 0): the clients are one
client service, which would be told to wait (429) from 1,000 requests a second on. Made of release builds (make bench).
"""

import contextlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

CLIENTS, SECONDS, ROUNDS = 1000, 4, 5
LEAST_RATIO, MOST_MIB = 0.8, 10


def memory_mib(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^VmHWM:\s+(\d+) kB$", text, re.MULTILINE).group(1)) / 1024


def started(stack, command, **more):
    process = stack.enter_context(subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], text=True, **more))
    stack.callback(process.kill)
    return process


def main(entrakey, bare, load):
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        command = [entrakey, "emulator", "--format=json", "--quiet", "--exit-with-parent"]
        emulator = started(stack, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        environment = {**os.environ, **json.loads(emulator.stdout.readline()), "ENTRAKEY_IDENTITY": "managed_identity"}

        log = stack.enter_context(open(folder / "log", "w"))
        command = [entrakey, "agent", "run", "--directory", str(folder / "agent"), "--port", "0", "--max-requests", "0"]
        agent = started(stack, command, env=environment, stderr=log)
        command = [entrakey, "agent", "env", "-o", "json", "--directory", str(folder / "agent")]
        while (found := subprocess.run(command, capture_output=True, text=True)).returncode:
            assert agent.poll() is None, (folder / "log").read_text()
        variables = json.loads(found.stdout)
        port = re.search(r":(\d+)/", variables["IDENTITY_ENDPOINT"]).group(1)
        command = [entrakey, "agent", "get", "-o", "json", "--directory", str(folder / "agent")]
        length = len(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        handler = started(stack, [bare, str(length)], stdout=subprocess.PIPE)
        bare_port = handler.stdout.readline().strip()

        servers = {"agent": (port, agent), "bare axum handler": (bare_port, handler)}
        rates = {name: [] for name in servers}
        for _ in range(ROUNDS):
            for name, (where, _) in servers.items():
                command = [load, where, str(CLIENTS), str(SECONDS), variables["IDENTITY_HEADER"]]
                ended = subprocess.run(command, capture_output=True, text=True, check=True)
                rates[name].append(float(ended.stdout))
        memory = {name: memory_mib(process.pid) for name, (_, process) in servers.items()}

    print(f"{CLIENTS} clients, median of {ROUNDS} rounds of {SECONDS} s   answers/s   memory MiB")
    median = {name: statistics.median(some) for name, some in rates.items()}
    for name in servers:
        print(f"{name:52} {median[name]:9.0f} {memory[name]:12.1f}")
    ratio = median["agent"] / median["bare axum handler"]
    more = memory["agent"] - memory["bare axum handler"]
    print(f"{'ratio, and memory more':52} {ratio:9.2f} {more:12.1f}   (wanted: {LEAST_RATIO} at least, {MOST_MIB} at most)")
    return 0 if ratio >= LEAST_RATIO and more <= MOST_MIB else 1


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
