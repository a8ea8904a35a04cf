"""What a forked child has to start again, as the parent's threads do not exist there."""

import os


def survivors(renew):
    """A function that gives a weak set; in a forked child the method `renew` of each member is called."""
    members = []  # the set, once there is one

    def get():
        if not members:
            import weakref  # not at import: it costs as much as all the rest

            members.append(weakref.WeakSet())
        return members[0]

    def after_fork():
        for member in list(members[0]) if members else ():
            try:
                getattr(member, renew)()
            except Exception:
                pass  # its provider is closed

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=after_fork)
    return get
