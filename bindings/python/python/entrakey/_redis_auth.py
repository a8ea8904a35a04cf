"""AUTH on a connection that is open, by whoever has it to himself. Sync and asyncio."""

import asyncio
import ipaddress

# How long the answer to an AUTH on an open connection may take. A server that is alive takes milliseconds; a pool
# that is locked meanwhile must not stand still for long.
AUTH_TIMEOUT_S = 2.0


def is_open(connection):
    """Whether it has a socket. One that has none authenticates when it connects."""
    if hasattr(connection, "_sock"):
        return connection._sock is not None
    return bool(getattr(connection, "is_connected", False))


def authenticate(connection, credentials):
    """Raises what the server or the socket says; after anything but an answer the connection is closed."""
    sock = connection._sock
    before = sock.gettimeout()
    try:
        sock.settimeout(AUTH_TIMEOUT_S)
        connection.send_command("AUTH", credentials[0], credentials[1], check_health=False)
        connection.read_response(disconnect_on_error=False)  # a refusal is a ConnectionError to redis-py
        sock.settimeout(before)
    except BaseException as error:
        if is_answer(error):
            sock.settimeout(before)
        else:
            connection.disconnect()
        raise


async def authenticate_async(connection, credentials):
    try:
        await asyncio.wait_for(_exchange(connection, credentials), AUTH_TIMEOUT_S)
    except BaseException as error:
        if not is_answer(error):
            await connection.disconnect(nowait=True)
        raise


async def _exchange(connection, credentials):
    await connection.send_command("AUTH", credentials[0], credentials[1], check_health=False)
    await connection.read_response(disconnect_on_error=False)


def is_answer(error):
    """Whether it is the server's own refusal; the connection goes on with the token that it had."""
    from redis.exceptions import AuthenticationError, ResponseError

    return isinstance(error, (AuthenticationError, ResponseError))


def is_private(connection):
    """Whether what is sent on it can be read on its way: TLS, a Unix socket and loopback are private."""
    sock = getattr(connection, "_sock", None)
    if sock is not None:
        has_tls, peer = hasattr(sock, "cipher"), sock.getpeername()
    else:
        writer = getattr(connection, "_writer", None)
        if writer is None:
            return True  # nothing is connected
        has_tls, peer = writer.get_extra_info("ssl_object") is not None, writer.get_extra_info("peername")
    if has_tls or not isinstance(peer, tuple):
        return True
    try:
        address = ipaddress.ip_address(peer[0].split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or bool(getattr(address, "ipv4_mapped", None) and address.ipv4_mapped.is_loopback)
