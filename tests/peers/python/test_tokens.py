"""msal, azure-identity and redis-entraid get a token in each of the emulator's environments.

Whose token it is, its use shows: the emulator's Redis accepts an object id with a token that is that identity's only.
"""

import contextlib
import pathlib

import azure.identity
import msal
import pytest
import redis
import redis_entraid.cred_provider as redis_entraid
import requests
from redis_entraid.identity_provider import ServicePrincipalProvider

from entrakey.emulator import Emulator
from settings import IDENTITIES, SCOPE, RESOURCE, authority, certificate, certificate_file, options


@pytest.fixture(scope="module")
def azure_on_loopback(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arc")
    with Emulator.start(identities=IDENTITIES, arc_key_folder=folder) as emulator:
        yield emulator


def taken(answer):
    assert "access_token" in answer, answer
    return answer["access_token"]


def msal_managed(environment, identity=None):
    identity = identity or msal.SystemAssignedManagedIdentity()
    client = msal.ManagedIdentityClient(identity, http_client=requests.Session())
    return taken(client.acquire_token_for_client(resource=RESOURCE))


def msal_user_assigned(environment):
    object_id = environment["ENTRAKEY_EMULATOR_USER_ASSIGNED_OBJECT_ID"]
    return msal_managed(environment, msal.UserAssignedManagedIdentity(object_id=object_id))


def msal_confidential(environment, credential):
    app = msal.ConfidentialClientApplication(
        environment["AZURE_CLIENT_ID"],
        authority=authority(environment),
        client_credential=credential,
        instance_discovery=False,
    )
    return taken(app.acquire_token_for_client([SCOPE]))


def msal_secret(environment):
    return msal_confidential(environment, environment["AZURE_CLIENT_SECRET"])


def msal_certificate(environment):
    return msal_confidential(environment, certificate(environment))


def msal_federated(environment):
    file = pathlib.Path(environment["AZURE_FEDERATED_TOKEN_FILE"])
    return msal_confidential(environment, {"client_assertion": file.read_text})


def azure_identity(make):
    return lambda environment: make(environment).get_token(SCOPE).token


managed = azure_identity(lambda _: azure.identity.ManagedIdentityCredential())
user_assigned = azure_identity(
    lambda environment: azure.identity.ManagedIdentityCredential(
        identity_config={"resource_id": environment["ENTRAKEY_EMULATOR_USER_ASSIGNED_RESOURCE_ID"]}
    )
)
# Without a look at Microsoft's list of clouds, in which no emulator is.
default = azure_identity(lambda _: azure.identity.DefaultAzureCredential(disable_instance_discovery=True))
from_environment = azure_identity(lambda _: azure.identity.EnvironmentCredential(disable_instance_discovery=True))
workload = azure_identity(lambda _: azure.identity.WorkloadIdentityCredential(disable_instance_discovery=True))


def app(environment):
    return {
        "tenant_id": environment["AZURE_TENANT_ID"],
        "client_id": environment["AZURE_CLIENT_ID"],
        "disable_instance_discovery": True,
    }


secret = azure_identity(
    lambda environment: azure.identity.ClientSecretCredential(
        **app(environment), client_secret=environment["AZURE_CLIENT_SECRET"]
    )
)
with_certificate = azure_identity(
    lambda environment: azure.identity.CertificateCredential(
        **app(environment), certificate_path=certificate_file(environment)
    )
)
pipelines = azure_identity(
    lambda environment: azure.identity.AzurePipelinesCredential(
        tenant_id=environment["AZURESUBSCRIPTION_TENANT_ID"],
        client_id=environment["AZURESUBSCRIPTION_CLIENT_ID"],
        service_connection_id=environment["AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"],
        system_access_token=environment["SYSTEM_ACCESSTOKEN"],
        disable_instance_discovery=True,
    )
)


def redis_entraid_managed(environment):
    kind = redis_entraid.ManagedIdentityType.SYSTEM_ASSIGNED
    return redis_entraid.create_from_managed_identity(kind, RESOURCE).get_credentials()[1]


def redis_entraid_default(environment):
    provider = redis_entraid.create_from_default_azure_credential(
        (SCOPE,), authority=environment["AZURE_AUTHORITY_HOST"], app_kwargs={"disable_instance_discovery": True}
    )
    return provider.get_credentials()[1]


SYSTEM, USER_ASSIGNED, USER = "SYSTEM", "USER_ASSIGNED", "USER"
SECRET, CERTIFICATE, FEDERATED = "SECRET_APP", "CERTIFICATE_APP", "FEDERATED_APP"


@pytest.mark.parametrize(
    ("environment", "get", "who"),
    [
        pytest.param(environment, get, who, id=f"{library} {environment} {kind}")
        for library, environment, kind, get, who in [
            ("msal", "imds", "system", msal_managed, SYSTEM),
            ("msal", "imds", "user", msal_user_assigned, USER_ASSIGNED),
            ("msal", "app_service", "system", msal_managed, SYSTEM),
            ("msal", "app_service", "user", msal_user_assigned, USER_ASSIGNED),
            ("msal", "azure_ml", "user", msal_managed, USER),
            ("msal", "arc", "system", msal_managed, SYSTEM),
            ("msal", "service_fabric", "system", msal_managed, SYSTEM),
            ("msal", "client_secret", "secret", msal_secret, SECRET),
            ("msal", "client_certificate", "certificate", msal_certificate, CERTIFICATE),
            ("msal", "workload_identity", "assertion", msal_federated, FEDERATED),
            ("azure-identity", "imds", "system", managed, SYSTEM),
            ("azure-identity", "imds", "user", user_assigned, USER_ASSIGNED),
            ("azure-identity", "imds", "default", default, SYSTEM),
            ("azure-identity", "app_service", "system", managed, SYSTEM),
            ("azure-identity", "app_service", "user", user_assigned, USER_ASSIGNED),
            ("azure-identity", "azure_ml", "user", managed, USER),
            ("azure-identity", "arc", "system", managed, SYSTEM),
            ("azure-identity", "service_fabric", "system", managed, SYSTEM),
            ("azure-identity", "cloud_shell", "user", managed, USER),
            ("azure-identity", "client_secret", "secret", secret, SECRET),
            ("azure-identity", "client_secret", "environment", from_environment, SECRET),
            ("azure-identity", "client_secret", "default", default, SECRET),
            ("azure-identity", "client_certificate", "certificate", with_certificate, CERTIFICATE),
            ("azure-identity", "client_certificate", "environment", from_environment, CERTIFICATE),
            ("azure-identity", "workload_identity", "workload", workload, FEDERATED),
            ("azure-identity", "workload_identity", "default", default, FEDERATED),
            ("azure-identity", "azure_pipelines", "pipelines", pipelines, FEDERATED),
            ("redis-entraid", "imds", "system", redis_entraid_managed, SYSTEM),
            ("redis-entraid", "app_service", "system", redis_entraid_managed, SYSTEM),
            ("redis-entraid", "workload_identity", "default", redis_entraid_default, FEDERATED),
        ]
    ],
)
def test_a_token_is_got_and_opens_the_redis(azure_on_loopback, environment, get, who, monkeypatch):
    variables = azure_on_loopback.env(environment)
    # The folder of Azure Arc's key files is Microsoft's constant; everything else of the protocol is as it ships.
    folder = azure_on_loopback.env("arc")["ENTRAKEY_EMULATOR_ARC_KEY_DIRECTORY"]
    monkeypatch.setitem(msal.managed_identity._supported_arc_platforms_and_their_prefixes, "linux", folder)
    with azure_on_loopback.use(environment, REQUESTS_CA_BUNDLE=variables["ENTRAKEY_CA_FILE"]):
        token = get(variables)
    object_id = variables[f"ENTRAKEY_EMULATOR_{who}_OBJECT_ID"]
    with contextlib.closing(redis.Redis(**options(azure_on_loopback), username=object_id, password=token)) as client:
        assert client.ping()
