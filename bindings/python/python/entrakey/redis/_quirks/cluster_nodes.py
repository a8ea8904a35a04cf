"""A node of an asyncio cluster keeps its idle connections itself, and tells nobody when one comes back. Between two commands of a
busy program it is idle for no longer than it takes to begin the next one: nobody else runs then."""

import collections


def learn_of_release(node, release):
    """Calls release(idle, connection) when one is put back among the idle ones; if that gives True, it comes back later, by
    idle.put_back(connection)."""
    if not isinstance(node._free, Idle):
        node._free = Idle(node)
    node._free.release = release


class Idle(collections.deque):
    """Stands in for a node's own. It does not hold the node, which holds it."""

    def __init__(self, node):
        super().__init__(node._free, node._free.maxlen)
        self._connections, self._most = node._connections, node.max_connections

    def append(self, connection):
        if not self.release(self, connection):
            self.put_back(connection)

    def put_back(self, connection):
        super().append(connection)

    def spares(self):
        """Whether a command would find, or may open, another connection."""
        return bool(self) or len(self._connections) < self._most
