"""One provider from `key value ...` on the command line, one call of get_token: what a Python program sees of it."""

import logging
import sys
import traceback

import entrakey

logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format="shown: %(message)s")
words = sys.argv[1:]
try:
    with entrakey.Provider(**dict(zip(words[::2], words[1::2]))) as provider:
        token = provider.get_token()
        print(f"username: {token.username}\nversion: {token.version}\nshown: {provider!r} {token!r}")
except entrakey.EntrakeyError as error:
    print(f"error: {error.code}\nretriable: {str(error.retriable).lower()}\naadsts: {error.aadsts or 0}")
    print(f"message: {error}\nshown: {error!r}")
    traceback.print_exc()
