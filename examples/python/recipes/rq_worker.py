"""RQ: one client for queue and worker. A worker waits for jobs in BLPOP with a time-out and authenticates in between.

    python rq_worker.py            runs jobs
    python rq_worker.py --burst    ends when there are none left
"""

import os
import sys

import redis
from rq import Queue, SimpleWorker

import entrakey
import entrakey.redis

provider = entrakey.Provider(name="jobs")
client = redis.Redis(
    host=os.environ["REDIS_HOST"],
    port=int(os.environ["REDIS_PORT"]),
    ssl=True,
    ssl_ca_certs=os.environ.get("REDIS_CA_FILE"),
    credential_provider=entrakey.redis.CredentialProvider(provider),
)
queue = Queue(connection=client)

if __name__ == "__main__":
    SimpleWorker([queue], connection=client).work(burst="--burst" in sys.argv)
