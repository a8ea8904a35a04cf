"""One redis-py connection that reads and writes while its token is replaced under it.

usage: live.py SECONDS     (identity and addresses from the environment, see `entrakey emulator`)
Prints one line of JSON every half second: commands, errors and reconnects so far.
"""

import json
import os
import sys
import time

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

import entrakey
import entrakey.redis


def main(seconds: float) -> int:
    with entrakey.Provider() as provider:
        client = redis.Redis(
            host=os.environ["REDIS_HOST"],
            port=int(os.environ["REDIS_PORT"]),
            ssl=True,
            ssl_ca_certs=os.environ["REDIS_CA_FILE"],
            decode_responses=True,
            credential_provider=entrakey.redis.CredentialProvider(provider),
            retry=Retry(NoBackoff(), 0),  # a failed command shall be seen, not repaired
        )
        first_connection = client.client_id()
        count = {"commands": 0, "errors": 0, "reconnects": 0}
        end, report = time.monotonic() + seconds, 0.0
        while time.monotonic() < end:
            try:
                value = str(count["commands"])
                client.set("demo:redis-py", value)
                if client.get("demo:redis-py") != value:
                    raise redis.RedisError("read something else than was written")
                if client.client_id() != first_connection:
                    count["reconnects"] += 1
                    first_connection = client.client_id()
                count["commands"] += 3
            except redis.RedisError as error:
                count["errors"] += 1
                print(f"redis-py: {error}", file=sys.stderr)
                time.sleep(0.2)
            if time.monotonic() > report:
                print(json.dumps(count), flush=True)
                report = time.monotonic() + 0.5
            time.sleep(0.01)
        print(json.dumps(count), flush=True)
        return count["errors"] + count["reconnects"]


if __name__ == "__main__":
    sys.exit(1 if main(float(sys.argv[1])) else 0)
