"""The provider's Python half: one factory for each identity, and what awaits."""

from . import _entrakey


class Provider(_entrakey.Provider):
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
        return await loop.run_in_executor(None, lambda: self.get_token(timeout, wait=wait))

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.close()
