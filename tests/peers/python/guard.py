"""Refuses every connection and every look-up of a name that would leave loopback, in this process.

The libraries under test have addresses of Microsoft's built in, and fall back on them when they are pointed at the
emulator in a wrong way. What was refused is kept: a library may well swallow the error.
"""

import ipaddress
import socket

refused = []


class LeavesLoopback(OSError):
    """An address that is not loopback's was asked for."""


def install():
    """For all sockets of this process, asyncio's and those under TLS included."""
    socket.socket.connect = _checked(socket.socket.connect)
    socket.socket.connect_ex = _checked(socket.socket.connect_ex)
    socket.socket.sendto = _checked(socket.socket.sendto)
    look_up = socket.getaddrinfo

    def getaddrinfo(host, *rest, **more):
        _check(host)
        return look_up(host, *rest, **more)

    socket.getaddrinfo = getaddrinfo


def _checked(method):
    def guarded(self, *arguments):
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _check(arguments[-1][0])  # the address comes last, also in sendto
        return method(self, *arguments)

    return guarded


def _check(host):
    if isinstance(host, bytes):
        host = host.decode()
    if host in (None, "", "localhost"):
        return
    try:
        if ipaddress.ip_address(host).is_loopback:
            return
    except ValueError:
        pass  # a name
    refused.append(host)
    raise LeavesLoopback(f"{host} is not loopback")
