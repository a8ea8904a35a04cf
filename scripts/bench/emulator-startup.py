#!/usr/bin/env python3
"""How long `entrakey emulator` takes from its start to the environment that it prints, beside the floor: a start of the
same program that prints its version. Medians of 20, taken in turns."""

import os
import statistics
import subprocess
import sys
import time

RUNS = 20
GOAL_MS = 100


def until_printed(command):
    """Milliseconds until the child says something."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        said = os.read(child.stdout.fileno(), 1)
        taken = (time.perf_counter() - began) * 1000
        child.communicate(timeout=30)
    assert said and child.returncode == 0, command
    return taken


def main(binaries):
    for binary in binaries:
        emulator = [binary, "emulator", "--quiet", "--exit-with-parent", "--format", "json"]
        cases = {
            "--version (the floor)": [binary, "--version"],
            "emulator": emulator,
            "emulator --env all (with every key)": [*emulator, "--env", "all"],
        }
        times = {name: [] for name in cases}
        for _ in range(RUNS):
            for name, command in cases.items():
                times[name].append(until_printed(command))
        print(f"start-up of {binary}, median of {RUNS} (goal: {GOAL_MS} ms)")
        for name, taken in times.items():
            print(f"  {name:<38} {statistics.median(taken):6.1f} ms   {min(taken):.1f} to {max(taken):.1f}")


if __name__ == "__main__":
    main(sys.argv[1:] or ["target/debug/entrakey"])
