"""One provider from `key value ...` on the command line, one call of get_token: what a Python program sees of it."""

import logging
import sys
import traceback

import entrakey


def supplier(supplied):
    """What a callback of the host's does: a text that begins with ! is why it fails."""

    def supply(*_scope):
        if supplied.startswith("!"):
            raise RuntimeError(supplied[1:])
        return supplied

    return supply


logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format="shown: %(message)s")
words = sys.argv[1:]
try:
    options = dict(zip(words[::2], words[1::2]))
    for name in ("token_callback", "assertion_callback"):
        if name in options:
            options[name] = supplier(options[name])
    with entrakey.Provider(**options) as provider:
        token = provider.get_token()
        print(f"username: {token.username}\nversion: {token.version}\nshown: {provider!r} {token!r}")
except entrakey.EntrakeyError as error:
    print(f"error: {error.code}\nretriable: {str(error.retriable).lower()}\naadsts: {error.aadsts or 0}")
    print(f"message: {error}\nshown: {error!r}")
    traceback.print_exc()
