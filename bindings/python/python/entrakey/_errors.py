"""The exceptions: one class for each kind of error in core's table."""


class EntrakeyError(Exception):
    """What went wrong, in a sentence that says what to do. Holds no secret."""

    code = "INTERNAL"

    def __init__(
        self, message, retriable=False, aadsts=None, correlation_id=None, http_status=None
    ):
        super().__init__(message)
        self.retriable = retriable
        self.aadsts = aadsts
        self.correlation_id = correlation_id
        self.http_status = http_status

    def __reduce__(self):  # a process pool pickles the exceptions of its workers
        fields = (self.args[0], self.retriable, self.aadsts, self.correlation_id, self.http_status)
        return type(self), fields


class InvalidArgument(EntrakeyError):
    code = "INVALID_ARGUMENT"


class InvalidConfig(EntrakeyError):
    code = "INVALID_CONFIG"


class IdentityUnavailable(EntrakeyError):
    code = "IDENTITY_UNAVAILABLE"


class AuthRejected(EntrakeyError):
    code = "AUTH_REJECTED"


class Throttled(EntrakeyError):
    code = "THROTTLED"


class NetworkError(EntrakeyError):
    code = "NETWORK"


class Timeout(EntrakeyError):
    code = "TIMEOUT"


class BadResponse(EntrakeyError):
    code = "BAD_RESPONSE"


class UsernameUnavailable(EntrakeyError):
    code = "USERNAME_UNAVAILABLE"


class Closed(EntrakeyError):
    code = "CLOSED"


class CallbackFailed(EntrakeyError):
    code = "CALLBACK_FAILED"


class InternalError(EntrakeyError):
    code = "INTERNAL"


_CLASSES = {kind.code: kind for kind in EntrakeyError.__subclasses__()}


def make(code, *fields):
    """The exception for an error of core's. A newer core may know kinds that this table does not."""
    kind = _CLASSES.get(code)
    if kind is None:
        kind = type(code, (EntrakeyError,), {"code": code})
    return kind(*fields)
