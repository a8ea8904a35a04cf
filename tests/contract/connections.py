"""The story of tests/vectors/connections.json, told by redis-py or valkey-py: the arguments are the package and "sync" or
"asyncio". Prints the status when it is connected, goes on after a line on standard input, and prints it again when three
re-authentications were accepted."""

import asyncio
import importlib
import json
import os
import sys
import time

import entrakey
from entrakey.redis import CredentialProvider

PATIENCE_S = 20
PACKAGE, STYLE = sys.argv[1:]
redis = importlib.import_module(PACKAGE if STYLE == "sync" else f"{PACKAGE}.asyncio")
provider = entrakey.Provider()
credentials = CredentialProvider(provider)


def client():
    return redis.Redis(
        host=os.environ["REDIS_HOST"],
        port=int(os.environ["REDIS_PORT"]),
        ssl=True,
        ssl_ca_certs=os.environ["REDIS_CA_FILE"],
        credential_provider=credentials,
    )


def say_status():
    print(json.dumps(provider.status()), flush=True)


def seen(key, name, value):
    return provider.status()[key][name] == value


def sync():
    clients = [client() for _ in range(3)]
    for one in clients:
        one.ping()
    say_status()
    sys.stdin.readline()
    clients[0].close(), clients[0].connection_pool.disconnect()
    assert seen("listeners", "connections", 2)
    provider.refresh()
    deadline = time.monotonic() + PATIENCE_S
    while not seen("counters", "reauths_accepted", 3) and time.monotonic() < deadline:
        time.sleep(0.01)
    say_status()


async def asynchronous():
    clients = [client() for _ in range(3)]
    for one in clients:
        await one.ping()
    say_status()
    await asyncio.to_thread(sys.stdin.readline)
    await clients[0].aclose()
    await clients[0].connection_pool.disconnect()
    assert seen("listeners", "connections", 2)
    provider.refresh()
    deadline = time.monotonic() + PATIENCE_S
    while not seen("counters", "reauths_accepted", 3) and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    say_status()
    for one in clients[1:]:
        await one.aclose()


sync() if STYLE == "sync" else asyncio.run(asynchronous())
