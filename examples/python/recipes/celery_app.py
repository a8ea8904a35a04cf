"""Celery with kombu: both take the credential provider's class by its dotted name and call it without arguments.

    celery -A celery_app worker

A worker that waits for tasks (BRPOP) cannot authenticate meanwhile: the server closes that connection with its token,
and Celery connects again at once. Give tasks acks_late if they must not be lost in such a moment.
"""

import os
import urllib.parse

from celery import Celery

import entrakey
import entrakey.redis

provider = entrakey.Provider(name="celery")
credentials = entrakey.redis.CredentialProvider(provider)


def Credentials() -> entrakey.redis.CredentialProvider:
    """One for all connections of broker and results."""
    return credentials


address = f"rediss://{os.environ['REDIS_HOST']}:{os.environ['REDIS_PORT']}/0"
options = {"ssl_cert_reqs": "required", "credential_provider": "celery_app.Credentials"}
if "REDIS_CA_FILE" in os.environ:
    options["ssl_ca_certs"] = os.environ["REDIS_CA_FILE"]
url = f"{address}?{urllib.parse.urlencode(options)}"

app = Celery("celery_app", broker=url, backend=url)


@app.task
def add(x: int, y: int) -> int:
    return x + y
