"""What a forked child has to start again, as the parent's threads do not exist there."""

import os
from _weakref import ref  # the same class: importing weakref takes as long as the rest of this package


class Survivors:
    """Holds its members weakly. In a forked child the method `renew` of each is called."""

    def __init__(self, renew):
        self._renew = renew
        self._members = {}
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def add(self, member):
        number, members = id(member), self._members
        members[number] = ref(member, lambda _: members.pop(number, None))

    def discard(self, member):
        self._members.pop(id(member), None)

    def _after_fork(self):
        for reference in list(self._members.values()):
            member = reference()
            try:
                if member is not None:
                    getattr(member, self._renew)()
            except Exception:
                pass  # the member's provider is closed: there is nothing to renew
