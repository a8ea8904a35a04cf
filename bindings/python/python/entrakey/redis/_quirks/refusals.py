"""A refusal that is read and stays unread."""

import contextlib

from .packages import package_of


@contextlib.contextmanager
def read_for_good(connection):
    """While a refusal may be the answer on an open connection. To redis-py it is a ConnectionError, which its own blocking
    parsers raise in the midst of reading: what they had read is put back, and answers the next command once more. As a
    ResponseError it is an answer like others."""
    parser, package = connection._parser, package_of(connection)
    if not hasattr(parser, "__dict__"):
        yield  # a parser of asyncio, which puts nothing back
        return
    parse_error = parser.parse_error

    def as_an_answer(text):
        error = parse_error(text)
        return package.ResponseError(str(error)) if isinstance(error, package.AuthenticationError) else error

    parser.parse_error = as_an_answer
    try:
        yield
    finally:
        vars(parser).pop("parse_error", None)
