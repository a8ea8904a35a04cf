"""redis-py's RedisCluster: SET and GET of keys that all nodes have, and a transaction on one of them, round after round."""

import json
import os
import sys
import threading

from redis.cluster import RedisCluster

KEYS = [f"{os.environ['NAME']}:{number}" for number in range(20)]
over = threading.Event()


def main():
    port, protocol = int(os.environ["REDIS_PORT"]), int(sys.argv[1])
    # A static password, as in the settings of many programs.
    client = RedisCluster(host="127.0.0.1", port=port, password="a-dummy", decode_responses=True, protocol=protocol)
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    rounds = 0
    while not over.is_set():
        for key in KEYS:
            assert client.set(key, rounds) and client.get(key) == str(rounds), (key, rounds)
        rounds += 1
        print(rounds, flush=True)
    places = sorted({f"{node.host}:{node.port}" for node in client.get_nodes()})
    print(json.dumps({"rounds": rounds, "places": places}), flush=True)


main()
