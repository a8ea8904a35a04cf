"""A token by each stock library that finds App Service's endpoint. Prints JSON: by library, the token or why there is none."""

import json
import os
import traceback

import azure.identity
import msal
import redis_entraid.cred_provider as redis_entraid
import requests

RESOURCE = "https://redis.azure.com"
SCOPE = f"{RESOURCE}/.default"


def of_msal(identity):
    client = msal.ManagedIdentityClient(identity, http_client=requests.Session())
    return client.acquire_token_for_client(resource=RESOURCE)["access_token"]


def of_redis_entraid():
    kind = redis_entraid.ManagedIdentityType.SYSTEM_ASSIGNED
    return redis_entraid.create_from_managed_identity(kind, RESOURCE).get_credentials()[1]


CLIENT_ID = os.environ["ENTRAKEY_EMULATOR_USER_ASSIGNED_CLIENT_ID"]
OBJECT_ID = os.environ["ENTRAKEY_EMULATOR_USER_ASSIGNED_OBJECT_ID"]
LIBRARIES = {
    "msal, system": lambda: of_msal(msal.SystemAssignedManagedIdentity()),
    "msal, user": lambda: of_msal(msal.UserAssignedManagedIdentity(object_id=OBJECT_ID)),
    "azure-identity, system": lambda: azure.identity.ManagedIdentityCredential().get_token(SCOPE).token,
    "azure-identity, user": lambda: azure.identity.ManagedIdentityCredential(client_id=CLIENT_ID).get_token(SCOPE).token,
    "azure-identity, default": lambda: azure.identity.DefaultAzureCredential().get_token(SCOPE).token,
    "redis-entraid, system": of_redis_entraid,
}


def answer(get):
    try:
        return {"token": get()}
    except Exception:
        return {"error": traceback.format_exc()}


print(json.dumps({library: answer(get) for library, get in LIBRARIES.items()}), flush=True)
os._exit(0)  # redis-entraid's thread goes on
