"""Django with django-redis: the cache's options are passed on to redis-py's connection pool.

    DJANGO_SETTINGS_MODULE=django_settings python -m django runserver

Made at import, so before gunicorn forks with --preload; each worker starts from the parent's token and renews by itself.
"""

import os

import entrakey
import entrakey.redis

provider = entrakey.Provider(name="cache")

SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", "only for this example")
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": f"rediss://{os.environ['REDIS_HOST']}:{os.environ['REDIS_PORT']}/0",
        "OPTIONS": {
            "CONNECTION_POOL_KWARGS": {
                "credential_provider": entrakey.redis.CredentialProvider(provider),
                "ssl_ca_certs": os.environ.get("REDIS_CA_FILE"),
            },
        },
    }
}
