"""Django with its own RedisCache, and with django-redis: both pass a cache's options on to redis-py's connection pool.

    DJANGO_SETTINGS_MODULE=django_settings python -m django runserver

Made at import, so before gunicorn forks with --preload; each worker starts from the parent's token and renews by itself.
"""

import os

import entrakey
import entrakey.redis

provider = entrakey.Provider(name="cache")

SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", "only for this example")
LOCATION = f"rediss://{os.environ['REDIS_HOST']}:{os.environ['REDIS_PORT']}/0"
POOL_OPTIONS = {
    "credential_provider": entrakey.redis.CredentialProvider(provider),
    "ssl_ca_certs": os.environ.get("REDIS_CA_FILE"),
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": LOCATION,
        "OPTIONS": POOL_OPTIONS,
    },
    "django-redis": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": LOCATION,
        "OPTIONS": {"CONNECTION_POOL_KWARGS": POOL_OPTIONS},
    },
}
