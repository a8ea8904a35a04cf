"""What a host's own callbacks give, as the native side takes it."""

from ._loops import Loops


class Supplied:
    """As a callback of this package's own gives it: a token that need not say whose it is."""

    def __init__(self, secret, expires_on, username):
        self.fields = secret, expires_on, username


class Supplier:
    """Answers a request with what a callback returns."""

    def __init__(self, callback):
        if not callable(callback):
            raise TypeError("token_callback and assertion_callback take a callable")
        self._callback = callback
        self._wants_scope = _wants_scope(callback)
        self._loops = Loops(callback)

    def __call__(self, request):
        scope = request.scope
        try:
            supplied = self._callback() if scope is None or not self._wants_scope else self._callback(scope)
            if hasattr(supplied, "__await__"):
                self._loops.run(supplied, lambda supplied: _complete(request, supplied), lambda error: _fail(request, error))
            else:
                _complete(request, supplied)
        except BaseException as error:  # KeyboardInterrupt too: on the library's thread no caller could catch it
            _fail(request, error)

    def awaited_here(self):
        """Somebody awaits a token on the loop that runs on this thread."""
        self._loops.offer()

    def about_to_block(self):
        """This thread is about to wait for a token. Raises if that would be a wait for itself."""
        self._loops.refuse_to_block()


def _wants_scope(callback):
    """Whether it is called with the scope: all are but those that take nothing, here and where a decorator looks."""
    from inspect import signature  # not at import: only programs with callbacks need it

    try:
        inner, outer = signature(callback), signature(callback, follow_wrapped=False)
    except (TypeError, ValueError):
        return True  # a callable written in C has no signature to look at
    return _fits(inner, "scope") or not (_fits(inner) and _fits(outer))


def _fits(signature, *arguments):
    try:
        signature.bind(*arguments)
    except TypeError:
        return False
    return True


def _complete(request, supplied):
    request.complete(*_secret_and_expiry(supplied))


def _fail(request, error):
    request.fail(f"{type(error).__name__}: {error}")


def _secret_and_expiry(supplied):
    """From a text, a pair, or what azure-identity's credentials return."""
    if isinstance(supplied, Supplied):
        secret, expires_on, username = supplied.fields
        return secret, _seconds(expires_on), username
    if isinstance(supplied, str):
        return supplied, None
    if isinstance(supplied, tuple):
        return supplied[0], _seconds(supplied[1])
    if hasattr(supplied, "token"):
        return supplied.token, _seconds(getattr(supplied, "expires_on", None))
    kind = type(supplied).__name__  # the error names the type and never the value, which may be a secret
    raise TypeError(f"a callback returns a str, (str, expires_on) or an AccessToken, not {kind}")


def _seconds(expires_on):
    """An expiry as seconds since the Unix epoch; None if the token itself is to say it."""
    if expires_on is None or (hasattr(expires_on, "__float__") and not isinstance(expires_on, bool)):
        return expires_on
    if hasattr(expires_on, "timestamp") and expires_on.tzinfo is not None:
        return expires_on.timestamp()
    kind = type(expires_on).__name__ + (" without a time zone" if hasattr(expires_on, "timestamp") else "")
    raise TypeError(f"expires_on is a number of seconds since the Unix epoch or a datetime with a time zone, not {kind}")
