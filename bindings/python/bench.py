"""Speed of the Python package as ratios, against a floor or against its peers, in one run on one machine.

usage: bench.py [--check]     (make bench; --check fails if a target is missed)

The peers talk to the same emulator on loopback. What is compared is printed with its version. Rounds alternate, so
that what else the machine does hits all alike; ratios are medians of the rounds' ratios.
"""

import argparse
import importlib.metadata
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

from entrakey.emulator import Emulator

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("ENTRAKEY_BIN", str(ROOT / "target/debug/entrakey"))
ROUNDS = 9

EMPTY = "pass"
FIRST_TOKEN = {
    "entrakey": "import entrakey; entrakey.Provider.managed_identity().get_token().secret",
    "entrakey.redis": "import entrakey, entrakey.redis as r; r.CredentialProvider(entrakey.Provider.managed_identity()).get_credentials()",
    "azure-identity": "from azure.identity import ManagedIdentityCredential; "
    "ManagedIdentityCredential().get_token('https://redis.azure.com/.default').token",
    "msal": "import msal, requests; msal.ManagedIdentityClient(msal.SystemAssignedManagedIdentity(), "
    "http_client=requests.Session()).acquire_token_for_client(resource='https://redis.azure.com')['access_token']",
    "redis-entraid": "from redis_entraid.cred_provider import *; create_from_managed_identity("
    "ManagedIdentityType.SYSTEM_ASSIGNED, 'https://redis.azure.com').get_credentials()",
}
PEERS = ("azure-identity", "msal", "redis-entraid")

# What a program prints of itself: resident bytes.
RESIDENT = "with open('/proc/self/statm') as statm: print(int(statm.read().split()[1]) * 4096)"

CACHED = """
import json, timeit
import entrakey, entrakey.redis
provider = entrakey.Provider.managed_identity()
credentials = entrakey.redis.CredentialProvider(provider)
first = credentials.get_credentials()
assert all(credentials.get_credentials() is first for _ in range(1000)), "a tuple is built once for each token"
assert provider.get_token().secret is provider.get_token().secret, "a secret is built once for each token"
calls = ("c._nothing()", "c.get_credentials()", "p.get_token()", "p.get_token().secret")
names = {"c": credentials, "p": provider}
results = [
    [min(timeit.repeat(call, globals=names, number=100_000, repeat=3)) for call in calls] for _ in range(15)
]
print(json.dumps(results))
"""

THREADS = """
import threading
import entrakey
provider = entrakey.Provider.managed_identity()
barrier = threading.Barrier(100)
def ask():
    barrier.wait()
    provider.get_token()
threads = [threading.Thread(target=ask) for _ in range(100)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def run(program, environment):
    """Seconds that the whole process took, and what it printed."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **environment}, capture_output=True, text=True, timeout=60
    )
    took = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(done.stderr)
    return took, done.stdout


def report(name, value, target, unit=""):
    right = value <= target
    print(f"  {'ok  ' if right else 'MISS'} {name}: {value:.2f}{unit} (target {target}{unit})")
    return right


def cached(environment):
    rounds = json.loads(run(CACHED, environment)[1])
    floor = statistics.median(row[0] for row in rounds) * 1e4
    print(f"Cached call, against a PyO3 method of the same object that does nothing ({floor:.0f} ns):")
    targets = {"CredentialProvider.get_credentials()": 1.5, "Provider.get_token()": 3, "Provider.get_token().secret": 3}
    right = True
    for at, (name, target) in enumerate(targets.items(), start=1):
        right &= report(name, statistics.median(row[at] / row[0] for row in rounds), target, "x")
    return right


def imports(environment):
    added_s, added_mib = [], []
    for _ in range(ROUNDS * 3):
        without, alone = run(RESIDENT, environment)
        took, mine = run("import entrakey\n" + RESIDENT, environment)
        added_s.append((took - without) * 1000)
        added_mib.append((int(mine) - int(alone)) / 2**20)
    print("import entrakey, against an empty interpreter:")
    right = report("time", statistics.median(added_s), 5, " ms")
    return right & report("memory", statistics.median(added_mib), 1.5, " MiB")


def first_token(environment):
    print("Whole process, from start to first token of a managed identity:")
    took = {name: [] for name in (*FIRST_TOKEN, "empty")}
    for _ in range(ROUNDS):
        took["empty"].append(run(EMPTY, environment)[0])
        for name, program in FIRST_TOKEN.items():
            took[name].append(run(program, environment)[0])
    for name, seconds in took.items():
        print(f"       {name}: {statistics.median(seconds) * 1000:.0f} ms")
    best = min(PEERS, key=lambda name: statistics.median(took[name]))
    shares = [mine / theirs * 100 for mine, theirs in zip(took["entrakey"], took[best])]
    return report(f"share of the best peer's ({best})", statistics.median(shares), 15, " %")


def threads(emulator):
    before = emulator.token_requests()
    run(THREADS, emulator.environment)
    print("100 threads on an empty cache:")
    return report("token requests", emulator.token_requests() - before, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 if a target is missed")
    options = parser.parse_args()
    versions = {name: importlib.metadata.version(name) for name in ("entrakey", *PEERS, "redis")}
    print("Python", sys.version.split()[0], " ".join(f"{name} {version}" for name, version in versions.items()))
    emulator = Emulator.start()
    try:
        environment = {**emulator.environment, "PYTHONDONTWRITEBYTECODE": ""}
        right = [cached(environment), imports(environment), first_token(environment), threads(emulator)]
    finally:
        emulator.close()
    sys.exit(0 if all(right) or not options.check else 1)


if __name__ == "__main__":
    main()
