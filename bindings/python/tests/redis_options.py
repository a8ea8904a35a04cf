"""How redis-py's clients reach the emulator's Redis."""


def options(emulator, **more):
    return {
        "host": emulator["REDIS_HOST"],
        "port": int(emulator["REDIS_PORT"]),
        "ssl": True,
        "ssl_ca_certs": emulator["REDIS_CA_FILE"],
        **more,
    }


def options_without_retry(emulator, **more):
    """A connection that was dropped is an error, not a new connection."""
    return options(emulator, **{"retry": None, **more})
