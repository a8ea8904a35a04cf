"""Flask behind Sentinel: the master's connections authenticate with a token, the sentinels' with what they need.

    flask --app flask_app run
"""

import os
from typing import Any

from flask import Flask
from redis.sentinel import Sentinel

import entrakey
import entrakey.redis

provider = entrakey.Provider(name="sessions")
tls: dict[str, Any] = {"ssl": True, "ssl_ca_certs": os.environ.get("REDIS_CA_FILE")}
sentinels = [tuple(address.rsplit(":", 1)) for address in os.environ["REDIS_SENTINELS"].split(",")]
sentinel = Sentinel(sentinels, sentinel_kwargs={"socket_timeout": 2})
master = sentinel.master_for(
    os.environ.get("REDIS_SERVICE", "mymaster"),
    credential_provider=entrakey.redis.CredentialProvider(provider),
    **tls,
)

app = Flask(__name__)


@app.get("/visits")
def visits() -> dict[str, int]:
    return {"visits": master.incr("visits")}
