"""Hosts that keep the library's threads from running Python code."""

import sys

_FALSE = ("", "0", "false", "no", "none", "off")


def warn_of_host():
    """uWSGI runs no thread but its own unless it is told to, and tells Python of a fork only if asked."""
    uwsgi = sys.modules.get("uwsgi")
    options = getattr(uwsgi, "opt", None)
    if not isinstance(options, dict) or "threads" in options or _is_set(options, "enable-threads"):
        return
    import warnings

    warnings.warn(
        "uWSGI runs without --enable-threads, so Python code runs on no thread but its own: get_token works, but open "
        "Redis connections are not re-authenticated and close with their token. Start it with --enable-threads "
        "(and, without --lazy-apps, with --py-call-uwsgi-fork-hooks).",
        RuntimeWarning,
        stacklevel=3,
    )


def _is_set(options, name):
    value = options.get(name, options.get(name.encode()))
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value is not None and str(value).lower() not in _FALSE
