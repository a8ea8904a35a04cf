"""A listener's registration, which a forked child renews."""

from ._forks import Survivors, ref
from ._greenlets import handed_over

_alive = Survivors("_renew")


class Subscription:
    def __init__(self, provider, callback):
        self._provider = ref(provider)
        self._callback = callback
        self._registered = provider._subscribe(handed_over(callback))
        _alive.add(self)

    def unsubscribe(self, timeout=None):
        _alive.discard(self)
        return self._registered.unsubscribe(timeout)

    def ack(self, version, accepted=True):
        self._registered.ack(version, accepted)

    def _renew(self):
        provider = self._provider()
        if provider is not None:
            self._registered = provider._subscribe(handed_over(self._callback))
