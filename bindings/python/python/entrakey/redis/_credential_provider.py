"""The credential provider that clients are given."""

import asyncio
import atexit
import logging
import os
import sys
import threading
import time
import weakref

from .. import _errors
from .._entrakey import CredentialSource
from .._greenlets import handed_over
from .._provider import Provider
from . import _connection, _pools, _pubsub, _waiting
from ._authentication import refuse_plaintext
from ._callbacks import Listeners, running_loop
from ._client_errors import as_redis_error
from ._handshake import watch_answer
from ._quirks import cluster_nodes, construction, owners, packages, without_events

_log = logging.getLogger("entrakey.redis")

# The release of some connections in use goes unseen. Those are checked this many times before their token expires.
_LOOKS = 20

_NOT_RENEWED = "a Redis connection will not be re-authenticated while it is open"

# Set when the interpreter ends: from then on no thread of the library may sleep in Python code.
_ending = threading.Event()
atexit.register(_ending.set)


for _package in packages.PACKAGES:
    construction.prepare(_package)


class CredentialProvider(CredentialSource, *packages.interfaces()):  # type: ignore[misc]
    """One provider for any number of redis-py or valkey-py clients, sync and asyncio, pools, clusters, Sentinel.

    Pass it as credential_provider to any of their constructors. New connections authenticate with a valid token;
    open ones are re-authenticated before theirs expires, each by whoever has it to himself: idle ones by a thread of
    the library's or on their event loop, those in use when they are released, RESP3 subscriptions by their reader.
    Connections and clients are held weakly.

    Without `provider`, as frameworks make it that take a dotted name ("entrakey.redis.CredentialProvider"), the
    environment says whose tokens these are (docs/configuration.md); all that are made so share one provider.

    A connection without TLS to anything but loopback or a Unix socket is refused, unless allow_plaintext is set.

    In a client every error of entrakey's derives from redis.RedisError too (and from valkey.ValkeyError), and a server's
    refusal (the client's AuthenticationError) says its likely cause.
    """

    def __init__(self, provider=None, *, allow_plaintext=False):
        self._provider = _environments_own() if provider is None else provider
        self._draw_from(self._provider)
        self._allow_plaintext = allow_plaintext
        self._listeners = Listeners()
        self._links = {}  # by the connection's id
        self._announced = None  # the credentials that open connections are to have
        self._valid_until = 0.0  # when the token of the open connections expires, seconds since the Unix epoch
        self._tasks = set()  # an event loop holds its tasks weakly, so they are kept here
        self._subscription = None
        self._subscribed_in = None  # the id of the process that subscribed: a forked child has to subscribe again
        self._subscribe()

    # get_credentials() is native (CredentialSource): it returns a tuple from memory, or else what this method returns.
    def _fetch_credentials(self):
        try:
            self._subscribe()
            return _waiting.wait(self._provider, _waiting.connecting(sys._getframe(0)))
        except _errors.EntrakeyError as error:
            raise as_redis_error(error) from None

    async def get_credentials_async(self):
        """As get_credentials, without blocking the event loop."""
        self._listeners.connecting(asyncio.get_running_loop())
        try:
            self._subscribe()
            return await _waiting.wait_async(self._provider, _waiting.connecting(sys._getframe(0)))
        except _errors.EntrakeyError as error:
            raise as_redis_error(error) from None

    def on_next(self, callback):
        """Calls callback(token) with each new token (try_get("oid"), get_value()); a coroutine on the event loop that
        runs now, or else on the one on which the next connection opens. A method is held weakly."""
        owner = getattr(callback, "__self__", None)
        if type(owner).__module__ == "redis.event":
            # redis-py's own listener is not called: its connections are renewed one by one.
            try:
                self._registered(owner)
            except Exception:
                _log.warning(_NOT_RENEWED, exc_info=True)
        else:
            self._listeners.add(callback)
        self._subscribe()

    def on_error(self, callback):
        """Nothing: errors are logged (entrakey.redis), and redis-py's own callback only raises into our thread."""

    def is_streaming(self):
        return True

    # What follows is called by Credentials, by the connections' hooks, and by the library's threads.

    def _connecting(self, connection, credentials, frame):
        """A connection is about to send these credentials; `frame` is its method that does so."""
        if not self._allow_plaintext:
            try:
                refuse_plaintext(connection)
            except _errors.EntrakeyError as error:
                raise as_redis_error(error) from None
        try:
            self._track(connection, credentials, frame)
        except Exception:  # in an untested version of redis-py a connection is not renewed, but it must still connect
            _log.warning(_NOT_RENEWED, exc_info=True)

    def _track(self, connection, credentials, frame):
        self._subscribe()
        link = self._link(connection, running_loop() if hasattr(connection, "_writer") else None)
        if link.pool() is None:
            owner = owners.owner_of(connection, frame)
            if owner is not None:
                link.belongs_to(owner)
        if without_events.has_none(connection):
            without_events.learn(self, link, frame)
        elif owners.is_blocking(link.pool()):
            # redis-py reports no release of a BlockingConnectionPool.
            without_events.learn_of_release(link.pool(), is_async=False)
        if owners.is_cluster_node(link.pool()):
            self._learn_of_node(link.pool())
        link.opened(self._subscription and self._subscription.opened(credentials.version))
        if link.reader is not None:
            link.reader.reconnected()
        self._valid_until = credentials.expires_on
        watch_answer(link, credentials.version)

    def _link(self, connection, loop):
        known = self._links.get(id(connection))
        link = _connection.link_of(connection)
        if link is None or link is not known or link.loop is not loop:
            if known is None:  # else this provider knows the connection, from another event loop for instance
                weakref.finalize(connection, self._links.pop, id(connection), None).atexit = False
            link = _connection.Link(connection, loop)
            _connection.keep(connection, link)
            self._links[id(connection)] = link
            _pools.watch_release(self, link)
        return link

    def _learn_of_node(self, node):
        me = weakref.ref(self)

        def release(idle, connection):
            source = me()
            return source is not None and _pools.release_to_node(source, idle, connection)

        cluster_nodes.learn_of_release(node, release)

    def _registered(self, owner):
        """redis-py registers a client; of two kinds there is something to learn."""
        kind, event = type(owner).__name__, owner._event
        if kind == "RegisterReAuthForSingleConnection":
            link = _connection.link_of(event.connection)
            if link is not None:
                link.lock = event.connection_lock
        elif kind == "RegisterReAuthForPubSub":
            link = _connection.link_of(owner._connection)
            if link is not None and link.reader is None:
                kind = _pubsub.Reader if link.loop is None else _pubsub.AsyncReader
                kind(self, link, owner._connection_lock).install()

    def _subscribe(self):
        # Two threads may both get here. The second overwrites the first one's subscription, which ends by that.
        if self._subscribed_in != os.getpid():
            me = weakref.WeakMethod(self._notify)
            self._subscription = self._provider._subscribe(handed_over(lambda token: _forward(me, token)))
            self._subscribed_in = os.getpid()

    def _notify(self, token):
        """A token replaces another, and this is the moment for the connections to take it."""
        credentials = (self._provider.current() or token)._credentials
        self._announced = credentials
        self._renew_all(credentials)
        for listener in self._listeners.alive():
            self._tell(listener, RedisToken(token))
        self._renew_later(credentials)
        if self._announced is credentials:
            self._valid_until = credentials.expires_on

    def _renew_all(self, credentials):
        blocking, loops = [], set()
        for link in self._known():
            if not link.needs(credentials):
                continue
            if link.loop is None:
                blocking.append(link)
            else:
                loops.add(link.loop)
        for loop in loops:
            self._on_loop(loop, self._start_renewal, loop)
        _pools.renew(self, blocking, credentials)

    def _renew_later(self, credentials):
        """Looks again after connections whose release nobody reports, until they are renewed or their token ends."""
        wait = self._look_again_in()
        for _ in range(_LOOKS):
            behind = [_is_silent(link) and link.loop is None and link.needs(credentials) for link in self._known()]
            if not any(behind) or self._announced is not credentials or _ending.wait(wait):
                return
            self._renew_all(credentials)

    def _look_again_in(self):
        return max((self._valid_until - time.time()) / _LOOKS, 0.02)

    def _known(self):
        return list(self._links.values())

    def _on_loop(self, loop, function, *arguments):
        try:
            loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            pass  # the event loop is closed, and with it its connections

    def _start_renewal(self, loop):
        self._start(self._renew_on(loop, self._announced))

    async def _renew_on(self, loop, credentials):
        for link in self._known():
            if link.loop is loop and link.needs(credentials):
                await _pools.renew_async(self, link, credentials)
        behind = any(_is_silent(link) and link.loop is loop and link.needs(credentials) for link in self._known())
        if behind and self._announced is credentials and time.time() < self._valid_until:
            loop.call_later(self._look_again_in(), self._start_renewal, loop)

    def _tell(self, listener, what):
        """Calls a callback of the host's, here or on its event loop."""
        callback = listener.callback()
        if callback is None:
            return
        if listener.awaits:
            if listener.loop is not None:
                self._on_loop(listener.loop, self._start_callback, callback, what)
            return
        try:
            callback(what)
        except Exception as error:
            self._callback_failed(error)

    def _start_callback(self, callback, what):
        self._start(callback(what))

    def _start(self, coroutine):
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task):
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._callback_failed(error)

    def _callback_failed(self, error):
        _log.error("a callback for new tokens has failed", exc_info=error)


# The provider of all credential providers that were made without one, for as long as one of them lives.
_shared: "weakref.WeakValueDictionary[str, Provider]" = weakref.WeakValueDictionary()


def _environments_own():
    """Frameworks that take a dotted name make one credential provider for each connection pool, or for each connection."""
    provider = _shared.get("environment")
    if provider is None or provider.status()["state"] == "closed":
        provider = _shared["environment"] = Provider()
    return provider


def address_remap(host):
    """For RedisCluster(address_remap=…): every node is reached by this host name, at the port it announces. Nodes of
    Azure Managed Redis with the OSS cluster policy announce addresses that their certificate does not cover."""
    return lambda address: (host, address[1])


def _is_silent(link):
    """Whether its release may go unseen: a blocking pool gets it back a moment after that was said, a full cluster node cannot
    spare it, and a client that has one to himself says nothing."""
    pool = link.pool()
    return link.reader is None and (
        link.lock is not None or owners.is_blocking(pool) or owners.is_cluster_node(pool)
    )


def _forward(notify, token):
    """Called from the library with a weak reference, so that a subscription keeps nothing alive."""
    method = notify()
    if method is not None:
        method(token)


class RedisToken:
    """What redis-py's callbacks ask of a token (redis.auth.token.TokenInterface)."""

    __slots__ = ("_token",)

    def __init__(self, token):
        self._token = token

    def try_get(self, key):
        return self._token.username if key == "oid" else None

    def get_value(self):
        return self._token.secret

    def get_expires_at_ms(self):
        return self._token.expires_on * 1000

    def get_received_at_ms(self):
        return time.time() * 1000

    def ttl(self):
        return (self._token.expires_on - time.time()) * 1000

    def is_expired(self):
        return self.ttl() <= 0
