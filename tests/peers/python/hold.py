"""Holds a connection for each of several stock libraries, all at the same time, until standard input ends.

A process of its own: redis-entraid's threads go on asking for tokens for as long as there is a process.
PEERS has the variables of all environments of both emulators, as JSON. Prints what failed, by identity, as JSON; one
that fails ends them all.
"""

import guard

guard.install()  # before any of the libraries is imported

import asyncio
import contextlib
import json
import os
import sys
import threading

import azure.identity
import msal
import redis
import redis.asyncio
import redis.cluster
import redis_entraid.cred_provider as redis_entraid
from redis.auth.idp import IdentityProviderInterface
from redis.auth.token import JWToken
from redis.auth.token_manager import RetryPolicy, TokenManagerConfig
from redis_entraid.identity_provider import ServicePrincipalProvider
from settings import KEYS, RESOURCE, SCOPE, authority, certificate, cluster_options, options

SECOND_SECRET = {
    "AZURE_CLIENT_ID": "66666666-c000-4000-8000-000000000006",
    "AZURE_CLIENT_SECRET": "peers-second-secret~value",
}
# Half a token's life to renew it in: a machine that is busy with other tests is slow at times.
CONFIG = TokenManagerConfig(0.5, 0, 5000, RetryPolicy(3, 3))


class Fresh(IdentityProviderInterface):
    """Tokens of a library that redis-entraid does not know. (azure-identity keeps what it has for at least thirty
    seconds, so each request takes a credential of its own.)"""

    def __init__(self, make_credential):
        self._make_credential = make_credential

    def request_token(self, force_refresh=False):
        return JWToken(self._make_credential().get_token(SCOPE).token)


def managed(kind=redis_entraid.ManagedIdentityType.SYSTEM_ASSIGNED, **identity):
    return redis_entraid.create_from_managed_identity(kind, RESOURCE, token_manager_config=CONFIG, **identity)


def user_assigned(object_id):
    by = redis_entraid.ManagedIdentityIdType.OBJECT_ID
    return managed(redis_entraid.ManagedIdentityType.USER_ASSIGNED, id_type=by, id_value=object_id)


def service_principal(environment, credential):
    # redis-entraid's own factory knows no authority but Microsoft's public one: its provider, with an application
    # of msal's that does.
    app = msal.ConfidentialClientApplication(
        environment["AZURE_CLIENT_ID"],
        authority=authority(environment),
        client_credential=credential,
        instance_discovery=False,
    )
    return redis_entraid.EntraIdCredentialsProvider(ServicePrincipalProvider(app, [SCOPE]), CONFIG)


def of_azure_identity(make_credential):
    return redis_entraid.EntraIdCredentialsProvider(Fresh(make_credential), CONFIG)


def object_id(environment, who):
    return environment[f"ENTRAKEY_EMULATOR_{who}_OBJECT_ID"]


def providers(emulator):
    """A provider for each identity, by the identity's name."""
    default, secret = emulator["default"], emulator["client_secret"]
    signed, workload = emulator["client_certificate"], emulator["workload_identity"]
    return {
        "SYSTEM": managed(),
        "USER_ASSIGNED": user_assigned(object_id(default, "USER_ASSIGNED")),
        "SECOND_USER_ASSIGNED": of_azure_identity(
            lambda: azure.identity.ManagedIdentityCredential(
                client_id=default["ENTRAKEY_EMULATOR_SECOND_USER_ASSIGNED_CLIENT_ID"]
            )
        ),
        "SECRET_APP": service_principal(secret, secret["AZURE_CLIENT_SECRET"]),
        "CERTIFICATE_APP": service_principal(signed, certificate(signed)),
        "FEDERATED_APP": of_azure_identity(
            lambda: azure.identity.WorkloadIdentityCredential(
                tenant_id=workload["AZURE_TENANT_ID"],
                client_id=workload["AZURE_CLIENT_ID"],
                token_file_path=workload["AZURE_FEDERATED_TOKEN_FILE"],
                disable_instance_discovery=True,
            )
        ),
    }


def hold(emulator, provider, done):
    """Reads and writes on one connection until all are done or a command fails."""
    with contextlib.closing(redis.Redis(**options(emulator), credential_provider=provider)) as client:
        while not done.is_set():
            value = os.urandom(8)
            client.set("peers:" + value.hex(), value)
            assert client.get("peers:" + value.hex()) == value
            done.wait(0.02)


def hold_asyncio(emulator, provider, done):
    async def main():
        async with redis.asyncio.Redis(**options(emulator), credential_provider=provider) as client:
            while not done.is_set():
                assert await client.set("peers:asyncio", "value")
                assert await client.get("peers:asyncio") == b"value"
                await asyncio.sleep(0.02)

    asyncio.run(main())


def hold_cluster(emulator, provider, done):
    """Reads and writes on one connection to each node."""
    with contextlib.closing(
        redis.cluster.RedisCluster(**cluster_options(emulator), credential_provider=provider)
    ) as client:
        while not done.is_set():
            for key in KEYS[:: len(KEYS) // 16]:
                client.set(key, "of " + key)
                assert client.get(key) == b"of " + key.encode()
            done.wait(0.02)


def main():
    emulator, cluster = json.loads(os.environ["PEERS"])
    default = emulator["default"]
    holders = {who: (hold, default, provider) for who, provider in providers(emulator).items()}
    third = "THIRD_USER_ASSIGNED"
    holders[third] = (hold_asyncio, default, user_assigned(object_id(default, third)))
    # The second emulator's Entra is not in this process's environment: all is said in the provider.
    secret = {**cluster["client_secret"], **SECOND_SECRET}
    provider = service_principal(secret, secret["AZURE_CLIENT_SECRET"])
    holders["SECOND_SECRET_APP"] = (hold_cluster, cluster["default"], provider)
    errors, done = {}, threading.Event()

    def run(who, hold, *where):
        try:
            hold(*where, done)
        except Exception as error:
            errors[who] = repr(error)
            done.set()  # no need for the others to go on

    threads = [threading.Thread(target=run, args=(who, *holder)) for who, holder in holders.items()]
    for thread in threads:
        thread.start()
    threading.Thread(target=lambda: (sys.stdin.read(), done.set()), daemon=True).start()
    for thread in threads:
        thread.join()
    print(json.dumps({"errors": errors, "refused": guard.refused}), flush=True)
    os._exit(0)


main()
