"""User name and token as redis-py unpacks them."""

import sys

from ._entrakey import Provider


class Credentials(tuple):
    """(username, secret), made once for each token. Its repr shows no secret.

    redis-py tells a credential provider neither which connection asks nor which pool that one belongs to, and half
    of its constructors register nothing to re-authenticate. But every connection, of every client and version,
    unpacks its credentials in a method of its own (`"AUTH", *credentials`), just before it sends them: that is where
    the provider learns of it. get_credentials itself, which others may call too, stays as fast as a native call.
    """

    version = 0
    expires_on = 0.0

    def __iter__(self):
        frame = sys._getframe(1)
        connection = frame.f_locals.get("self")
        provider = getattr(connection, "credential_provider", None)
        connecting = getattr(provider, "_connecting", None)
        # Another object than a Redis connection may unpack this, and have a credential_provider too.
        if connecting is not None and hasattr(connection, "read_response"):
            connecting(connection, self, frame)
        elif isinstance(provider, Provider) and hasattr(connection, "read_response"):
            refuse_provider()
        return super().__iter__()

    def __repr__(self):
        return f"<credentials of {self[0]}, version {self.version}>"

    def __getitem__(self, index):
        part = super().__getitem__(index)
        return _Part(part) if isinstance(index, slice) else part

    def __add__(self, other):
        return _Part(super().__add__(other))

    def __radd__(self, other):
        return _Part(tuple(other) + tuple.__getitem__(self, slice(None)))

    def __mul__(self, times):
        return _Part(super().__mul__(times))

    __rmul__ = __mul__

    def __sentry_repr__(self):
        return repr(self)

    # Copies are of this class too: the repr of a plain tuple would show the token.
    def __copy__(self):
        return self

    def __deepcopy__(self, _memo):
        return self

    def __reduce__(self):
        return Credentials, (tuple.__getitem__(self, slice(None)),), {"version": self.version, "expires_on": self.expires_on}


class _Part(tuple):
    """What a program has cut out of credentials or joined with them: its repr shows no secret either."""

    def __repr__(self):
        return f"<{len(self)} values with credentials>"

    __sentry_repr__ = __repr__

    def __getitem__(self, index):
        part = super().__getitem__(index)
        return _Part(part) if isinstance(index, slice) else part

    def __add__(self, other):
        return _Part(super().__add__(other))


def refuse_provider():
    """A client was given the provider of tokens itself, which can neither see what its connections are nor renew them."""
    raise TypeError(
        "credential_provider=entrakey.Provider(...) would send the token over any connection and never re-authenticate one: "
        "pass credential_provider=entrakey.redis.CredentialProvider(provider)."
    )
