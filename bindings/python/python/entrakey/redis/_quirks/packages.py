"""The client packages that are served: redis-py, and valkey-py, which began as a copy of it. Either is enough."""

import importlib


def _installed(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


NAMES = ("redis", "valkey")
PACKAGES = [package for package in map(_installed, NAMES) if package is not None]
if not PACKAGES:
    raise ModuleNotFoundError(
        "entrakey.redis serves redis-py and valkey-py, and neither is installed: pip install redis", name="redis"
    )

# Only for these errors does a client close a half-open connection. (valkey-py calls its own RedisError too.)
CLIENT_ERRORS = tuple(package.RedisError for package in PACKAGES)


def interfaces():
    """redis-py takes note of a credential provider only if it derives from this class; type checkers ask for the other."""
    names = {"redis": "StreamingCredentialProvider", "valkey": "CredentialProvider"}
    credentials = [(package.__name__, importlib.import_module(f"{package.__name__}.credentials")) for package in PACKAGES]
    return [getattr(module, names[name]) for name, module in credentials]


def is_of_a_client(module):
    """Whether a module is part of one of them."""
    return module.partition(".")[0] in NAMES


def package_of(connection):
    """Whose it is, also if a program has derived its class."""
    modules = {kind.__module__.partition(".")[0] for kind in type(connection).__mro__}
    return next(package for package in PACKAGES if package.__name__ in modules)
