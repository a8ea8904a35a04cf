"""The provider's Python half: one factory for each identity, what awaits, what a fork has to start again."""

import sys

from . import _entrakey, _log
from ._forks import Survivors
from ._greenlets import handed_over, refuse_eventlet
from ._subscription import Subscription

# Those whose events are logged; a forked child has to observe them anew.
_logged = Survivors("_log_events")


class Provider(_entrakey.Provider):
    def __new__(cls, *, token_callback=None, assertion_callback=None, **options):
        try:
            refuse_eventlet()
            # What only some programs need is imported by those: each module adds to the time that the import takes.
            if "uwsgi" in sys.modules:
                from ._host import warn_of_host

                warn_of_host()
            if token_callback is not None or assertion_callback is not None:
                from ._supply import supplier

                if token_callback is not None:
                    options["_on_token_request"] = handed_over(supplier(token_callback), to_hub=False)
                if assertion_callback is not None:
                    options["_on_assertion_request"] = handed_over(supplier(assertion_callback), to_hub=False)
            self = super().__new__(cls, **options)
            self._name = options.get("name")
        finally:
            options.clear()  # a traceback that shows what frames hold, as pytest's and Sentry's do, shows no secret
        self._log_events()
        _logged.add(self)
        return self

    @classmethod
    def managed_identity(cls, **options):
        return _made(cls, options, identity="managed_identity")

    @classmethod
    def service_principal(cls, **options):
        return _made(cls, options, identity="service_principal")

    @classmethod
    def workload_identity(cls, **options):
        return _made(cls, options, identity="workload_identity")

    @classmethod
    def client_assertion(cls, assertion_callback=None, **options):
        if assertion_callback is None:
            options["identity"] = "client_assertion"
        return _made(cls, options, assertion_callback=assertion_callback)

    @classmethod
    def azure_cli(cls, **options):
        return _made(cls, options, identity="azure_cli")

    @classmethod
    def azure_developer_cli(cls, **options):
        return _made(cls, options, identity="azure_developer_cli")

    @classmethod
    def azure_pipelines(cls, **options):
        return _made(cls, options, identity="azure_pipelines")

    @classmethod
    def environment(cls, **options):
        return _made(cls, options, identity="environment")

    @classmethod
    def default(cls, **options):
        return _made(cls, options, identity="default")

    @classmethod
    def custom(cls, token_callback, **options):
        return _made(cls, options, token_callback=token_callback)

    @classmethod
    def from_credential(cls, credential, **options):
        get_token = getattr(credential, "get_token", None) or getattr(credential, "get_token_info", None)
        if get_token is None:
            kind = type(credential).__name__
            raise TypeError(f"from_credential takes a credential with a method get_token, not {kind}")
        return _made(cls, options, token_callback=get_token)

    async def get_token_async(self, timeout=None, *, wait=True):
        token = self.current_usable()
        if token is not None:
            return token
        import asyncio  # not at import: services without asyncio should not pay for it

        loop = asyncio.get_running_loop()
        answer = loop.create_future()

        def done(token, error):  # on a thread of the library's
            try:
                loop.call_soon_threadsafe(_settle, answer, token, error)
            except RuntimeError:
                pass  # the loop was closed: nobody waits any more

        if self._get_token_then(handed_over(done), timeout, wait=wait):
            return await answer
        return self.get_token(timeout, wait=wait)  # an atexit hook's loop: only its own thread can wait

    async def get_credentials_async(self):
        from ._credentials import refuse_provider

        refuse_provider()

    async def ready_async(self, timeout=None):
        await self.get_token_async(timeout)

    def subscribe(self, callback):
        if not callable(callback):
            raise TypeError("subscribe() needs a callable that takes the new token")
        return Subscription(self, callback)

    def _log_events(self):
        self._observation = self._observe(_log.ALL, handed_over(_log.writer(self._name)))

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.close()


def _made(cls, options, **more):
    """A provider with these options, which are gone from every frame afterwards: see `Provider.__new__`."""
    try:
        return cls(**more, **options)
    finally:
        options.clear()


def _settle(answer, token, error):
    if answer.done():
        return  # cancelled
    if error is None:
        answer.set_result(token)
    else:
        answer.set_exception(error)
