"""A listener's registration, which a forked child renews."""

import os
import weakref

_alive = weakref.WeakSet()


class Subscription:
    def __init__(self, provider, callback):
        self._provider = weakref.ref(provider)
        self._callback = callback
        self._registered = provider._subscribe(callback)
        _alive.add(self)

    def unsubscribe(self, timeout=None):
        _alive.discard(self)
        return self._registered.unsubscribe(timeout)

    def ack(self, version, accepted=True):
        self._registered.ack(version, accepted)

    def _renew(self):
        provider = self._provider()
        if provider is not None:
            self._registered = provider._subscribe(self._callback)


def _after_fork():
    for subscription in list(_alive):
        try:
            subscription._renew()
        except Exception:
            pass  # the provider is closed


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
