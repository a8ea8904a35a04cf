# The sync call on the thread of a running event loop.
import asyncio
import os

from redis import Redis
from redis_entraid.cred_provider import create_from_default_azure_credential


async def main():
    credential_provider = create_from_default_azure_credential(("https://redis.azure.com/.default",),)
    client = Redis(host=os.environ["REDIS_HOST"], port=int(os.environ["REDIS_PORT"]), ssl=True, ssl_cert_reqs=None,
                   credential_provider=credential_provider)
    print(client.ping(), credential_provider.get_credentials()[0])


asyncio.run(main())
