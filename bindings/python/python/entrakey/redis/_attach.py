"""Clients that were made without a credential provider: by a framework, or from a URL."""

from ._quirks import owners


def attach(client, credentials=None):
    """Gives a client, pool or cluster that was made without it a credential provider; returns the client.

    For clients that a framework makes from a URL. Connections that are open keep their authentication; attach before
    the first command. Without `credentials` the client must have a provider already."""
    if credentials is None:
        credentials = _credentials_of(client)
    for pool in _pools(client):
        _give(pool.connection_kwargs, credentials)
        for connection in _connections(pool):
            connection.credential_provider = credentials
            connection.username = connection.password = None
    for holder in (client, getattr(client, "nodes_manager", None)):
        options = getattr(holder, "connection_kwargs", None)
        if isinstance(options, dict):
            _give(options, credentials)
    return client


def _credentials_of(client):
    for pool in _pools(client):
        credentials = pool.connection_kwargs.get("credential_provider")
        if credentials is not None:
            return credentials
    raise ValueError("the client has no credential provider yet: attach(client, CredentialProvider(provider))")


def _give(options, credentials):
    """A connection that has both a password and a credential provider is an error to redis-py."""
    options.pop("username", None)
    options.pop("password", None)
    options["credential_provider"] = credentials


def _pools(client):
    """Of a client, of a pool itself, of each node of a cluster."""
    if isinstance(getattr(client, "connection_kwargs", None), dict) and owners.is_owner(client):
        yield client
    pool = getattr(client, "connection_pool", None)
    if pool is not None:
        yield pool
    nodes = getattr(getattr(client, "nodes_manager", None), "nodes_cache", {})
    for node in list(nodes.values()):
        if owners.is_cluster_node(node):
            yield node
        elif getattr(node, "redis_connection", None) is not None:
            yield node.redis_connection.connection_pool


def _connections(pool):
    seen = []
    for name in ("_available_connections", "_in_use_connections", "_connections"):
        seen.extend(getattr(pool, name, ()))
    return [getattr(connection, "_conn", connection) for connection in seen]
