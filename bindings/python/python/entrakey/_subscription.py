"""A listener's registration, which a forked child renews."""

from ._forks import Survivors, ref
from ._greenlets import handed_over

_alive = Survivors("_renew")


class Subscription:
    """A listener's registration. Ends when it is collected; never waits for a callback under way. A forked child has
    it too."""

    def __init__(self, provider, callback):
        self._provider = ref(provider)
        self._callback = callback
        self._registered = provider._subscribe(handed_over(_teller(ref(self))))
        _alive.add(self)

    def unsubscribe(self, timeout=None):
        """Ends it. With a timeout in seconds waits, GIL released, for a call under way, unless called from inside it;
        False if that has not returned in time."""
        _alive.discard(self)
        return self._registered.unsubscribe(timeout)

    def opened(self, version):
        """A connection is about to authenticate with the token of this version: for clients that know their connections one
        by one. From the first one on these say which tokens the listener is on, and ack says nothing of that any more.
        None if the subscription has ended. Never blocks."""
        return self._registered.opened(version)

    def ack(self, version, accepted=True):
        """Says what became of a re-authentication with the token of this version, for status and metrics. From the
        first call on the listener counts as being on a token only when it has acknowledged it. Never blocks."""
        self._registered.ack(version, accepted)

    def _renew(self):
        provider = self._provider()
        if provider is not None:
            self._registered = provider._subscribe(handed_over(_teller(ref(self))))


def _teller(subscription):
    """The library holds no callback itself: what a callback holds, its provider and this subscription very often, would
    never be collected."""

    def tell(token):
        alive = subscription()
        if alive is not None:
            alive._callback(token)

    return tell
