"""The provider's Python half: one factory for each identity, what awaits, what a fork has to start again."""

import sys

from . import _entrakey, _log
from ._forks import Survivors, ref
from ._greenlets import answered_aside, handed_over, refuse_halves
from ._subscription import Subscription

# Providers whose events are logged. A forked child has to observe each of them anew.
_logged = Survivors("_log_events")


class Provider(_entrakey.Provider):
    """Supplies the access token of one identity and keeps it fresh.

    Options are configuration keys in snake_case (docs/configuration.md lists them); what is not given comes from the
    environment, then from config_file, both read now and never again. No network I/O, no thread. Raises InvalidConfig.

    Safe to use from any thread, and in a forked child, which starts from its parent's token; subscriptions and logging
    go on there. A provider that is collected closes. Its events are records of the logger "entrakey": INFO for a new
    token, WARNING when something begins to go wrong, DEBUG for each step.

    token_callback(scope), or token_callback() if it takes nothing, supplies the tokens itself, as a text (a JWT that says
    when it expires), with its expiry (seconds since the Unix epoch, or a datetime with a time zone), or as an AccessToken.
    assertion_callback() supplies the client assertions with which the application of tenant_id and client_id signs in.
    Either is called on a thread of the library's, one call at a time, may block or be async, and has request_timeout_ms;
    what it raises is a CallbackFailed and is tried again.

    What is async runs on the event loop that ran when the provider was made, or else on the first on which a token was
    awaited; in a program that has neither, on a loop of its own.
    """

    _suppliers = ()

    def __new__(cls, *, token_callback=None, assertion_callback=None, **options):
        suppliers = ()
        try:
            refuse_halves()
            # Imported here, not at the top: each module adds to the time that `import entrakey` takes, and only some
            # programs need this one.
            if "uwsgi" in sys.modules:
                from ._host import warn_of_host

                warn_of_host()
            if token_callback is not None or assertion_callback is not None:
                from ._request import Supplier

                if token_callback is not None:
                    suppliers = (Supplier(token_callback),)
                    options["_on_token_request"] = answered_aside(_asker(ref(suppliers[-1])))
                if assertion_callback is not None:
                    suppliers = (*suppliers, Supplier(assertion_callback))
                    options["_on_assertion_request"] = answered_aside(_asker(ref(suppliers[-1])))
            self = super().__new__(cls, **options)
            self._suppliers = suppliers
            self._name = options.get("name")
        finally:
            options.clear()  # pytest and Sentry show the variables of each frame in a traceback: no secret may be there
        self._log_events()
        _logged.add(self)
        return self

    @classmethod
    def managed_identity(cls, **options):
        """The machine's system-assigned identity, or the user-assigned one that client_id, object_id or resource_id
        names."""
        return _made(cls, options, identity="managed_identity")

    @classmethod
    def service_principal(cls, **options):
        """An application (tenant_id, client_id) with a client_secret, as it is or in the file client_secret_path, or
        with a certificate (certificate_path and private_key_path, or a PFX, or the PEM texts themselves)."""
        return _made(cls, options, identity="service_principal")

    @classmethod
    def workload_identity(cls, **options):
        """A pod's workload identity on Kubernetes: what its webhook puts into the environment."""
        return _made(cls, options, identity="workload_identity")

    @classmethod
    def client_assertion(cls, assertion_callback=None, **options):
        """An application that signs in with assertions of somebody else's: a callback's, or the file
        client_assertion_path."""
        if assertion_callback is None:
            options["identity"] = "client_assertion"
        return _made(cls, options, assertion_callback=assertion_callback)

    @classmethod
    def azure_cli(cls, **options):
        """Whoever has signed in with `az login`."""
        return _made(cls, options, identity="azure_cli")

    @classmethod
    def azure_developer_cli(cls, **options):
        """Whoever has signed in with `azd auth login`."""
        return _made(cls, options, identity="azure_developer_cli")

    @classmethod
    def azure_pipelines(cls, **options):
        """A service connection of Azure Pipelines."""
        return _made(cls, options, identity="azure_pipelines")

    @classmethod
    def token_file(cls, **options):
        """Whose token somebody else keeps fresh in the file token_file_path: `entrakey agent`, a sidecar."""
        return _made(cls, options, identity="token_file")

    @classmethod
    def environment(cls, **options):
        """The application that AZURE_TENANT_ID, AZURE_CLIENT_ID and a secret or certificate describe."""
        return _made(cls, options, identity="environment")

    @classmethod
    def default(cls, **options):
        """The first identity that is there: environment, workload identity, managed identity, az, azd."""
        return _made(cls, options, identity="default")

    @classmethod
    def custom(cls, token_callback, **options):
        """Tokens of the host's own."""
        return _made(cls, options, token_callback=token_callback)

    @classmethod
    def from_credential(cls, credential, **options):
        """Tokens of a credential of azure-identity, sync or async (`azure.identity.aio`).

        An async one is asked on the caller's event loop (see Provider), on which the program may use it too; while that
        loop does not run there are no new tokens. Raises TypeError if it has neither get_token nor get_token_info.
        """
        get_token = getattr(credential, "get_token", None) or getattr(credential, "get_token_info", None)
        if get_token is None:
            kind = type(credential).__name__
            raise TypeError(f"from_credential takes a credential with a method get_token, not {kind}")
        return _made(cls, options, token_callback=get_token)

    async def get_token_async(self, timeout=None, *, wait=True):
        """As get_token, without blocking the event loop. However many wait, no thread of Python's does."""
        return await self._get_token_later(timeout, wait=wait)

    def _get_token_later(self, timeout, *, wait):
        """What get_token_async awaits: a future, unless there is nothing to wait for."""
        token = self.current_usable()
        if token is not None:
            return _there(token)
        for supplier in self._suppliers:
            supplier.awaited_here()
        import asyncio  # not at import: services without asyncio should not pay for it

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError(_NEEDS_ASYNCIO) from None
        answer = loop.create_future()

        def done(token, error):  # runs on a thread of the library
            try:
                loop.call_soon_threadsafe(_settle, answer, token, error)
            except RuntimeError:
                pass  # the loop is closed, so no task waits for this token

        if self._get_token_then(handed_over(done), timeout, wait=wait):
            return answer
        # The interpreter ends, and this loop runs in an atexit hook: no other thread may call back, so this one waits.
        return _there(self.get_token(timeout, wait=wait))

    async def get_credentials_async(self):
        """What redis.asyncio asks a credential provider for. Raises TypeError: pass
        entrakey.redis.CredentialProvider(provider) to a client."""
        from ._credentials import refuse_provider

        refuse_provider()

    async def ready_async(self, timeout=None):
        """As ready, without blocking the event loop."""
        await self.get_token_async(timeout)

    def _about_to_block(self):
        """Called by the native side before a call waits for a token."""
        for supplier in self._suppliers:
            supplier.about_to_block()

    def subscribe(self, callback):
        """Calls callback(token) with each token that replaces another, on a thread of the library's, one call at a
        time, early enough to re-authenticate. (The first token replaces none.) Keep what is returned: the subscription
        ends with it. What the callback raises goes to sys.unraisablehook. Raises Closed."""
        if not callable(callback):
            raise TypeError("subscribe() needs a callable that takes the new token")
        return Subscription(self, callback)

    def _log_events(self):
        self._observation = self._observe(_log.ALL, handed_over(_log.writer(self._name)))

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.close()


# Another framework's task gets this far if no token is there yet; else nothing is awaited.
_NEEDS_ASYNCIO = (
    "get_token_async waits with asyncio, and no event loop of asyncio runs on this thread: with another framework call "
    "get_token on a thread, as in `await trio.to_thread.run_sync(provider.get_token)`"
)


def _asker(supplier):
    """The library holds no callback itself, but the provider does: what the callback holds, its provider very often, would
    never be collected."""

    def ask(request):
        alive = supplier()
        if alive is not None:  # if it is None, the request is dropped here, and fails by that
            alive(request)

    return ask


def _made(cls, options, **more):
    """A provider with these options, which are gone from every frame afterwards: see `Provider.__new__`."""
    try:
        return cls(**more, **options)
    finally:
        options.clear()


async def _there(token):
    return token


def _settle(answer, token, error):
    if answer.done():
        return  # the awaiting task was cancelled
    if error is None:
        answer.set_result(token)
    else:
        answer.set_exception(error)
