"""What the tests have in common: who takes part, and how stock libraries are pointed at the emulator."""

import pathlib

from redis.crc import key_slot

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


def cluster_options(emulator):
    """Of a redis-py cluster client. The nodes announce addresses that nobody reaches; their ports are right."""
    given = {**options(emulator), "address_remap": lambda address: ("localhost", address[1])}
    del given["retry"]  # a cluster's own is for slots that have moved
    return given


SLOTS = 16384
SLOTS_PER_KEY = 32


def spread():
    """A key in every 32 slots, and one in the first and in the last."""
    found, ends = {}, {0: None, SLOTS - 1: None}
    index = 0
    while len(found) < SLOTS // SLOTS_PER_KEY or None in ends.values():
        key = f"peers:cluster:{index}"
        slot = key_slot(key.encode())
        found.setdefault(slot // SLOTS_PER_KEY, key)
        if slot in ends:
            ends[slot] = key
        index += 1
    return [*found.values(), *ends.values()]


KEYS = spread()
