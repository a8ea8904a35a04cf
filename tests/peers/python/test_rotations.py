"""Stock libraries hold one connection each through several tokens, all at the same time.

What a client says is not believed: the emulator counted the connections, the AUTHs and who was dropped.
"""

import asyncio
import contextlib
import os
import pathlib
import threading
import time

import azure.identity
import msal
import pytest
import redis
import redis.asyncio
import redis.cluster
import redis_entraid.cred_provider as redis_entraid
from redis.auth.idp import IdentityProviderInterface
from redis.auth.token import JWToken
from redis.auth.token_manager import RetryPolicy, TokenManagerConfig
from redis_entraid.identity_provider import ServicePrincipalProvider

from entrakey.emulator import Emulator
from settings import IDENTITIES, KEYS, RESOURCE, SCOPE, authority, certificate, cluster_options, options

LIFETIME = "6s"
ENOUGH_AUTHS = 4  # the first and three more: twice a token's lifetime
LIMIT_S = 60  # 13 on an idle machine
NODES = 3
TOPOLOGY = 2  # connections that redis-py asks for the cluster's topology, once, before it has one to each node
CONNECTIONS = {"SECOND_SECRET_APP": TOPOLOGY + NODES}  # the others have one
SECOND_SECRET = {
    "AZURE_CLIENT_ID": "66666666-c000-4000-8000-000000000006",
    "AZURE_CLIENT_SECRET": "peers-second-secret~value",
}

CONFIG = TokenManagerConfig(0.7, 0, 5000, RetryPolicy(3, 3))


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


def object_id(emulator, who):
    return emulator[f"ENTRAKEY_EMULATOR_{who}_OBJECT_ID"]


def providers(emulator):
    """A provider for each identity, by the identity's name."""
    default, secret = emulator.environment, emulator.env("client_secret")
    signed, workload = emulator.env("client_certificate"), emulator.env("workload_identity")
    return {
        "SYSTEM": managed(),
        "USER_ASSIGNED": user_assigned(object_id(emulator, "USER_ASSIGNED")),
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


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """The emulator's counts by identity, and the errors of those that failed, once everybody has seen enough."""
    common = {"token_lifetime": LIFETIME, "identities": IDENTITIES}
    with Emulator.start(**common) as emulator, Emulator.start(**common, cluster_policy="oss", nodes=NODES) as cluster:
        authorities = tmp_path_factory.mktemp("tls") / "ca.pem"
        authorities.write_text("".join(pathlib.Path(one["REDIS_CA_FILE"]).read_text() for one in (emulator, cluster)))
        with emulator.use(REQUESTS_CA_BUNDLE=str(authorities)):
            holders = {who: (hold, emulator, provider) for who, provider in providers(emulator).items()}
            third = "THIRD_USER_ASSIGNED"
            holders[third] = (hold_asyncio, emulator, user_assigned(object_id(emulator, third)))
            # The second emulator's Entra is not in this process's environment: all is said in the provider.
            secret = {**cluster.env("client_secret"), **SECOND_SECRET}
            provider = service_principal(secret, secret["AZURE_CLIENT_SECRET"])
            holders["SECOND_SECRET_APP"] = (hold_cluster, cluster, provider)
            errors, done = {}, threading.Event()

            def run(who, hold, emulator, provider):
                try:
                    hold(emulator, provider, done)
                except Exception as error:
                    errors[who] = error
                    done.set()  # no need for the others to go on

            threads = [threading.Thread(target=run, args=(who, *holder)) for who, holder in holders.items()]
            for thread in threads:
                thread.start()
            try:
                end = time.monotonic() + LIMIT_S
                while time.monotonic() < end and not done.wait(0.1):
                    counts = {who: emulator.connections(object_id(emulator, who)) for who, (_, emulator, _) in holders.items()}
                    if all(counts[who]["auths"] >= enough_auths(who) for who in holders):
                        break
            finally:
                done.set()
                for thread in threads:
                    thread.join(LIMIT_S)
        yield counts, errors


def enough_auths(who):
    """For all connections together; one that was not re-authenticated would be counted as expired."""
    return TOPOLOGY + NODES * ENOUGH_AUTHS if who in CONNECTIONS else ENOUGH_AUTHS


@pytest.mark.parametrize(
    "who",
    [
        pytest.param("SYSTEM", id="redis-entraid, managed identity"),
        pytest.param("USER_ASSIGNED", id="redis-entraid, user-assigned managed identity"),
        pytest.param("SECRET_APP", id="redis-entraid on msal, secret"),
        pytest.param("CERTIFICATE_APP", id="redis-entraid on msal, certificate"),
        pytest.param("SECOND_USER_ASSIGNED", id="azure-identity, managed identity"),
        pytest.param("FEDERATED_APP", id="azure-identity, workload identity"),
        pytest.param("THIRD_USER_ASSIGNED", id="redis-entraid, asyncio"),
        pytest.param("SECOND_SECRET_APP", id="redis-entraid, cluster"),
    ],
)
def test_one_connection_outlives_its_tokens(outcome, who):
    counts, errors = outcome
    assert errors.get(who) is None
    counts = counts[who]
    assert counts["auths"] >= enough_auths(who), counts
    assert (counts["connections"], counts["expired"]) == (CONNECTIONS.get(who, 1), 0), counts
    assert counts["commands"] > 50, counts
