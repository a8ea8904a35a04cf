"""redis-py: the rounds of clients.py."""

import json
import os
import sys
import threading

import redis

NAME = os.environ["NAME"]
CHANNEL, HEARD, NOTHING = f"news:{NAME}", f"heard:{NAME}", f"nothing:{NAME}"
PIPELINE = 500
over = threading.Event()


def connect():
    # A static password, as in the settings of many programs; a connection that is dropped is an error.
    host, port = os.environ["REDIS_HOST"], int(os.environ["REDIS_PORT"])
    return redis.Redis(host=host, port=port, password="a-dummy", decode_responses=True, retry=None, protocol=2)


def listen(subscription):
    forwarder = connect()
    for message in subscription.listen():
        if message["type"] == "message":
            forwarder.rpush(HEARD, message["data"])


def main():
    client = connect()
    client.delete(HEARD)
    subscription = connect().pubsub()
    subscription.subscribe(CHANNEL)
    assert subscription.get_message(timeout=20)["type"] == "subscribe"
    threading.Thread(target=listen, args=(subscription,), daemon=True).start()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    rounds = 0
    while not over.is_set():
        value = str(rounds)
        assert client.set(f"key:{NAME}", value) and client.get(f"key:{NAME}") == value
        with client.pipeline(transaction=False) as pipeline:
            for number in range(PIPELINE):
                pipeline.echo(f"{rounds}.{number}")
            assert pipeline.execute() == [f"{rounds}.{number}" for number in range(PIPELINE)]
        assert client.publish(CHANNEL, value) == 1
        assert client.blpop([HEARD], 20) == (HEARD, value)
        assert client.blpop([NOTHING], 1) is None
        rounds += 1
        if rounds == 1:
            print("ready", flush=True)
    print(json.dumps({"rounds": rounds}), flush=True)


main()
os._exit(0)  # the subscriber still listens
