"""Connections as clients make them, with a credential provider of ours."""

import functools
import logging

from . import without_events
from ..._entrakey import CredentialSource

_log = logging.getLogger("entrakey.redis")
_OURS = "_entrakey"


def prepare(package):
    """redis-py refuses to make a connection that has both a credential provider and a user name or password, which come
    with many an address (rediss://:key@host) and as options from frameworks. The provider's are those that count."""
    for module in (package.connection, package.asyncio.connection):
        _replace_constructor(module.AbstractConnection)


def _replace_constructor(kind):
    construct = kind.__init__
    if hasattr(construct, _OURS):
        return  # the adapter is imported a second time, and the hooks are there already

    @functools.wraps(construct)
    def __init__(self, *args, **options):
        credentials = options.get("credential_provider")
        is_ours = isinstance(credentials, CredentialSource)
        if is_ours:
            _leave_out(credentials, options)
        construct(self, *args, **options)
        if is_ours and without_events.has_none(self):
            without_events.await_token(self, credentials)

    setattr(__init__, _OURS, True)
    kind.__init__ = __init__


def _leave_out(credentials, options):
    given = [name for name in ("username", "password") if options.pop(name, None)]
    if given and not vars(credentials).get("_warned_of_given"):
        credentials._warned_of_given = True
        _log.warning(
            "A Redis client was given a %s, in its address or as an option, beside credential_provider. Only what the "
            "credential provider says is used: remove the %s.",
            *[" and a ".join(given), " and the ".join(given)],
        )
