"""What a host's own callbacks give, as the native side takes it."""


def supplier(callback):
    """A function that answers a request with what `callback` returns."""
    if not callable(callback):
        raise TypeError("token_callback and assertion_callback take a callable")

    def answer(request):
        scope = request.scope
        try:
            supplied = callback() if scope is None else callback(scope)
            if hasattr(supplied, "__await__"):
                supplied = _awaited(supplied)
            request.complete(*_secret_and_expiry(supplied))
        except BaseException as error:  # nobody else is on this thread that could want it
            request.fail(f"{type(error).__name__}: {error}")

    return answer


def _awaited(awaitable):
    import asyncio  # not at import: services without asyncio should not pay for it

    async def wait():
        return await awaitable

    return asyncio.run(wait())


def _secret_and_expiry(supplied):
    """From a text, a pair, or what azure-identity's credentials return."""
    if isinstance(supplied, str):
        return supplied, None
    if isinstance(supplied, tuple):
        return supplied[0], supplied[1]
    if hasattr(supplied, "token"):
        return supplied.token, getattr(supplied, "expires_on", None)
    kind = type(supplied).__name__  # never the value, which may be a secret
    raise TypeError(f"a callback returns a str, (str, expires_on) or an AccessToken, not {kind}")
