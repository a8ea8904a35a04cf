"""What the server answers to the AUTH of a connect: for the ledger, and explained in the exception that the user sees."""


def watch_answer(link, version):
    """Looks at the next answer on the connection, which is the one to its AUTH, and then gets out of the way."""
    connection = link.connection()
    kind, me = type(connection), link.connection
    before = connection.__dict__.get("read_response")
    before = getattr(before, "stands_for", before)  # our hook is still there if an earlier AUTH was never answered

    def step_aside():
        if before is None:
            me().__dict__.pop("read_response", None)
        else:
            me().read_response = before

    def read_response(*args, **options):
        step_aside()
        try:
            response = kind.read_response(me(), *args, **options)
        except Exception as error:
            _explain(link, version, error)
            raise
        link.accepted(version)
        return response

    async def read_response_async(*args, **options):
        step_aside()
        try:
            response = await kind.read_response(me(), *args, **options)
        except Exception as error:
            _explain(link, version, error)
            raise
        link.accepted(version)
        return response

    connection.read_response = read_response if link.loop is None else read_response_async
    connection.read_response.stands_for = before


def _explain(link, version, error):
    explanation = link.refused(version, error)
    if explanation is not None:
        error.args = (f"{error} {explanation}", *error.args[1:])
