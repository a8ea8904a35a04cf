import os

from redis import Redis
from redis_entraid.cred_provider import *

credential_provider = create_from_managed_identity(
    identity_type=ManagedIdentityType.SYSTEM_ASSIGNED,
    resource="https://redis.azure.com/"
)
client = Redis(host=os.environ["REDIS_HOST"], port=int(os.environ["REDIS_PORT"]), ssl=True, ssl_cert_reqs=None,
               credential_provider=credential_provider)
print("The database size is: {}".format(client.dbsize()))
