"""AUTH on a connection that is open, by whoever has it to himself. Sync and asyncio."""

import asyncio

from .._entrakey import check_plaintext, is_refusal
from ._quirks import refusals

# How long the answer to an AUTH on an open connection may take. The pool stays locked until the answer comes, so the
# limit is short; a server that is alive answers within milliseconds.
AUTH_TIMEOUT_S = 2.0

_REMEDY = "pass ssl=True or a rediss:// address (allow_plaintext=True permits it, for a tunnel that encrypts)"


def is_open(connection):
    """Whether it has a socket. One that has none authenticates when it connects."""
    if hasattr(connection, "_sock"):
        return connection._sock is not None
    return bool(getattr(connection, "is_connected", False))


def authenticate(connection, credentials):
    """Raises what the server or the socket says; after anything but a refusal the connection is closed."""
    sock = connection._sock
    before = sock.gettimeout()
    try:
        sock.settimeout(AUTH_TIMEOUT_S)
        connection.send_command("AUTH", credentials[0], credentials[1], check_health=False)
        with refusals.read_for_good(connection):
            connection.read_response(disconnect_on_error=False)
        sock.settimeout(before)
    except BaseException as error:
        if is_refusal(str(error)):
            sock.settimeout(before)
        else:
            connection.disconnect()
        raise


async def authenticate_async(connection, credentials):
    try:
        await asyncio.wait_for(_exchange(connection, credentials), AUTH_TIMEOUT_S)
    except BaseException as error:
        if not is_refusal(str(error)):
            await connection.disconnect(nowait=True)
        raise


async def _exchange(connection, credentials):
    await connection.send_command("AUTH", credentials[0], credentials[1], check_health=False)
    await connection.read_response(disconnect_on_error=False)


def refuse_plaintext(connection):
    """Raises if what is sent on it can be read on its way: TLS, a Unix socket and loopback are private."""
    peer = _peer_in_clear(connection)
    if peer is not None:
        check_plaintext(peer, str(getattr(connection, "host", "Redis")), _REMEDY)


def _peer_in_clear(connection):
    """The address at the other end of a network connection without TLS; None of any other."""
    sock = getattr(connection, "_sock", None)
    if sock is not None:
        has_tls, peer = hasattr(sock, "cipher"), sock.getpeername()
    else:
        writer = getattr(connection, "_writer", None)
        if writer is None:
            return None  # the socket is not connected, so it has no peer
        has_tls, peer = writer.get_extra_info("ssl_object") is not None, writer.get_extra_info("peername")
    return None if has_tls or not isinstance(peer, tuple) else peer[0]
