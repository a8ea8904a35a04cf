"""What the tests have in common: who takes part, and how stock libraries are pointed at the emulator."""

import pathlib

IDENTITIES = pathlib.Path(__file__).parents[1] / "identities.toml"
RESOURCE = "https://redis.azure.com"
SCOPE = RESOURCE + "/.default"


def authority(environment):
    return f"{environment['AZURE_AUTHORITY_HOST']}/{environment['AZURE_TENANT_ID']}"


def certificate_file(environment):
    """Certificate and private key in one file, as azure-identity wants them."""
    return environment["AZURE_CLIENT_CERTIFICATE_PATH"]


def certificate(environment):
    """As msal wants it."""
    key = pathlib.Path(environment["ENTRAKEY_EMULATOR_PRIVATE_KEY_PATH"]).read_text()
    public = pathlib.Path(environment["ENTRAKEY_EMULATOR_CERTIFICATE_PATH"]).read_text()
    return {"private_key": key, "public_certificate": public}


def options(emulator):
    """Of a redis-py client that does not connect again by itself: a connection that was dropped is an error."""
    return {
        "host": emulator["REDIS_HOST"],
        "port": int(emulator["REDIS_PORT"]),
        "ssl": True,
        "ssl_ca_certs": emulator["REDIS_CA_FILE"],
        "retry": None,
    }
