import os, redis, entrakey, entrakey.redis

provider = entrakey.Provider(identity=os.environ.get("ENTRAKEY_IDENTITY", "managed_identity"))
client = redis.Redis(
    host=os.environ["REDIS_HOST"], port=int(os.environ["REDIS_PORT"]), ssl=True,
    ssl_ca_certs=os.environ.get("REDIS_CA_FILE"),
    credential_provider=entrakey.redis.CredentialProvider(provider))
print(client.ping(), provider.get_token())
