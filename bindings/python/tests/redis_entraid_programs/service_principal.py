import asyncio
import os

import redis.asyncio
from redis import Redis
from redis_entraid.cred_provider import *

CLIENT_ID, CLIENT_SECRET = os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"]
TENANT_ID = os.environ["AZURE_TENANT_ID"]
HOST, PORT = os.environ["REDIS_HOST"], int(os.environ["REDIS_PORT"])

credential_provider = create_from_service_principal(
    CLIENT_ID,
    CLIENT_SECRET,
    TENANT_ID,
    token_manager_config=TokenManagerConfig(
        expiration_refresh_ratio=0.9,
        lower_refresh_bound_millis=DEFAULT_LOWER_REFRESH_BOUND_MILLIS,
        token_request_execution_timeout_in_ms=DEFAULT_TOKEN_REQUEST_EXECUTION_TIMEOUT_IN_MS,
        retry_policy=RetryPolicy(
            max_attempts=5,
            delay_in_ms=50
        )
    )
)


async def main():
    username, _ = await credential_provider.get_credentials_async()
    client = redis.asyncio.Redis(host=HOST, port=PORT, ssl=True, ssl_cert_reqs=None,
                                 credential_provider=credential_provider)
    await client.ping()
    await client.aclose()
    return username


username, _ = credential_provider.get_credentials()
assert asyncio.run(main()) == username
client = Redis(host=HOST, port=PORT, ssl=True, ssl_cert_reqs=None, credential_provider=credential_provider)
print("The database size is: {}".format(client.dbsize()))
