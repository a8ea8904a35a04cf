"""A provider's events as records of the logger "entrakey"."""

import sys

ALL = 3
_WARNING = 1
# Our levels as the numbers of the logging module.
_LEVELS = {1: 30, 2: 20, 3: 10}


def writer(name):
    """A function that the library calls with each event: on a thread of its own, with no lock of its held."""

    def write(event, level, message):
        # Importing logging takes longer than the rest of this package. If the program has not imported logging, it has
        # not asked for more than warnings.
        if level > _WARNING and "logging" not in sys.modules:
            return
        import logging

        fields = {"entrakey_event": event, "entrakey_provider": name}
        logging.getLogger("entrakey").log(_LEVELS[level], "%s", _labelled(name, message), extra=fields)

    return write


def _labelled(name, message):
    return f"{name}: {message}" if name else message
