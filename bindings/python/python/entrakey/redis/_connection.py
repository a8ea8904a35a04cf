"""The connections that use a provider: which token each is on says the ledger, whose they are is known here."""

import weakref

from .._errors import EntrakeyError
from ._authentication import is_open

_ATTRIBUTE = "_entrakey"
_OWNER = "_entrakey_owner"


class Link:
    """What is known of one connection."""

    __slots__ = ("connection", "entry", "_owner", "loop", "lock", "reader", "__weakref__")

    def __init__(self, connection, loop):
        self.connection = weakref.ref(connection)
        self.entry = None  # the ledger's entry, from the opening on; one that a fork inherited is never behind
        self._owner = None  # a weak reference to the connection's pool or cluster node, if that is known
        self.loop = loop  # the event loop that the connection lives on; None for a blocking connection
        self.lock = None  # of a client with a single connection: its holder has the connection to itself
        self.reader = None  # of a subscribed connection: the reader authenticates it between two messages

    def opened(self, entry):
        """It has a new socket, and is about to authenticate: `entry` is the ledger's, until that socket is gone."""
        if self.entry is not None:
            self.entry.closed()
        self.entry = entry
        connection = self.connection()
        socket = getattr(connection, "_sock", None) or getattr(connection, "_writer", None)
        if entry is not None and socket is not None:
            weakref.finalize(socket, entry.closed).atexit = False

    def accepted(self, version):
        """The server took the token of this version."""
        if self.entry is not None:
            self.entry.authenticated(version)

    def refused(self, version, error):
        """Something else came instead. The likely cause, if that is a verdict on the token; the provider logs it too."""
        try:
            rejection = self.entry and self.entry.refused(version, str(error))
        except EntrakeyError:
            return None  # a closed provider explains nothing
        return None if rejection is None or rejection.reason == "not_a_refusal" else rejection.explanation

    def needs(self, credentials):
        """Whether it is open, this process's, and on an older token than these."""
        connection = self.connection()
        return (
            self.entry is not None
            and self.entry.is_behind(credentials.version)
            and connection is not None
            and link_of(connection) is self  # else the connection has moved to another provider
            and is_open(connection)
        )

    def belongs_to(self, owner):
        """A pool or a cluster node."""
        try:
            self._owner = weakref.ref(owner)
        except TypeError:  # redis.asyncio.cluster.ClusterNode allows no weak reference: its connection holds the node
            setattr(self.connection(), _OWNER, owner)

    def pool(self):
        """Whose it is, if that is known."""
        if self._owner is not None:
            return self._owner()
        return getattr(self.connection(), _OWNER, None)


def link_of(connection):
    return connection.__dict__.get(_ATTRIBUTE)


def keep(connection, link):
    setattr(connection, _ATTRIBUTE, link)
