"""Ports for servers that take no 0, or that come back on theirs."""

import random
import socket

# Below what Linux gives to connections and to port 0 (net.ipv4.ip_local_port_range begins at 32768): nobody gets one of
# these by chance.
FIRST, LAST = 20_000, 32_000
_kept = []


def free_port():
    """A port of 127.0.0.1 that nobody has, and that this gives to nobody else, in any process, until this process ends.

    Its sign is a name in the abstract namespace of Unix sockets, which ends with whoever holds it; ports.rs does the same.
    """
    while True:
        port = random.randint(FIRST, LAST)
        sign = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            sign.bind(f"\0entrakey-port-{port}")
            with socket.socket() as free:
                free.bind(("127.0.0.1", port))
        except OSError:
            sign.close()
            continue
        _kept.append(sign)
        return port
