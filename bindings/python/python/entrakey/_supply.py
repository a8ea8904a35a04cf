"""What a host's own callbacks give, as the native side takes it."""

import os


class Supplied:
    """As a callback of this package's own gives it: a token that need not say whose it is."""

    def __init__(self, secret, expires_on, username):
        self.fields = secret, expires_on, username


def supplier(callback):
    """A function that answers a request with what `callback` returns."""
    if not callable(callback):
        raise TypeError("token_callback and assertion_callback take a callable")
    loop = _Loop()

    def answer(request):
        scope = request.scope
        try:
            supplied = callback() if scope is None else callback(scope)
            if hasattr(supplied, "__await__"):
                supplied = loop.run(supplied)
            request.complete(*_secret_and_expiry(supplied))
        except BaseException as error:  # nobody else is on this thread that could want it
            request.fail(f"{type(error).__name__}: {error}")

    return answer


class _Loop:
    """An event loop for one callback, the same at each call: azure-identity's async credentials keep a session on
    theirs. Calls come one at a time, on threads that change."""

    def __init__(self):
        self._loop = None
        self._process = None

    def run(self, awaitable):
        import asyncio  # not at import: services without asyncio should not pay for it

        if self._process != os.getpid():
            # The parent's loop, if there was one, shares its selector with the parent.
            self._loop, self._process = asyncio.new_event_loop(), os.getpid()

        async def wait():
            return await awaitable

        return self._loop.run_until_complete(wait())

    def __del__(self):
        if self._loop is not None and self._process == os.getpid() and not self._loop.is_running():
            self._loop.close()


def _secret_and_expiry(supplied):
    """From a text, a pair, or what azure-identity's credentials return."""
    if isinstance(supplied, Supplied):
        return supplied.fields
    if isinstance(supplied, str):
        return supplied, None
    if isinstance(supplied, tuple):
        return supplied[0], supplied[1]
    if hasattr(supplied, "token"):
        return supplied.token, getattr(supplied, "expires_on", None)
    kind = type(supplied).__name__  # never the value, which may be a secret
    raise TypeError(f"a callback returns a str, (str, expires_on) or an AccessToken, not {kind}")
