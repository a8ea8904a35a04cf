"""The provider's Python half: one factory for each identity, and what awaits."""

from . import _entrakey
from ._supply import supplier


class Provider(_entrakey.Provider):
    def __new__(cls, *, token_callback=None, assertion_callback=None, **options):
        if token_callback is not None:
            options["_on_token_request"] = supplier(token_callback)
        if assertion_callback is not None:
            options["_on_assertion_request"] = supplier(assertion_callback)
        return super().__new__(cls, **options)

    @classmethod
    def managed_identity(cls, **options):
        return cls(identity="managed_identity", **options)

    @classmethod
    def service_principal(cls, **options):
        return cls(identity="service_principal", **options)

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

        if self._get_token_then(done, timeout, wait=wait):
            return await answer
        return self.get_token(timeout, wait=wait)  # an atexit hook's loop: only its own thread can wait

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.close()


def _settle(answer, token, error):
    if answer.done():
        return  # cancelled
    if error is None:
        answer.set_result(token)
    else:
        answer.set_exception(error)
