"""The modules of the package redis-entraid on entrakey: changing the import is the whole migration.

    from entrakey.redis_entraid.cred_provider import *

As there, the names are in `cred_provider` and `identity_provider`.
"""
