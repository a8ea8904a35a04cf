"""What a server's WRONGPASS means, in the exception that the user sees."""

import weakref


def explain_refusal(source, connection, version, is_async):
    """Looks at the next answer on the connection, which is the one to its AUTH, and then gets out of the way."""
    kind, me = type(connection), weakref.ref(connection)
    before = connection.__dict__.get("read_response")
    before = getattr(before, "stands_for", before)  # an AUTH before this one was never answered

    def step_aside():
        if before is None:
            me().__dict__.pop("read_response", None)
        else:
            me().read_response = before

    def read_response(*args, **options):
        step_aside()
        try:
            return kind.read_response(me(), *args, **options)
        except Exception as error:
            _explain(source, version, error)
            raise

    async def read_response_async(*args, **options):
        step_aside()
        try:
            return await kind.read_response(me(), *args, **options)
        except Exception as error:
            _explain(source, version, error)
            raise

    connection.read_response = read_response_async if is_async else read_response
    connection.read_response.stands_for = before


def _explain(source, version, error):
    explanation = source._explain(version, str(error))
    if explanation:
        error.args = (f"{error} {explanation}", *error.args[1:])
