"""Fixtures for pytest. In conftest.py:

    pytest_plugins = ["entrakey.pytest_plugin"]

A test that takes ``emulator`` then runs in an emulated Azure of its own; see ``entrakey.emulator``.
"""

from __future__ import annotations

import contextlib
from typing import Any, Callable, Iterator

import pytest

from .emulator import Emulator

__all__ = ["emulator", "start_emulator"]


@pytest.fixture
def start_emulator() -> Iterator[Callable[..., Emulator]]:
    """start_emulator("4s") gives an emulator whose environment is this process's until the test ends.

    ``env`` chooses another environment than the default one; other options are those of ``Emulator.start``.
    """
    with contextlib.ExitStack() as stack:

        def start(token_lifetime: str = "1h", *, env: str = "default", **options: Any) -> Emulator:
            emulator = stack.enter_context(Emulator.start(token_lifetime=token_lifetime, **options))
            return stack.enter_context(emulator.use(env))

        yield start


@pytest.fixture
def emulator(start_emulator: Callable[..., Emulator]) -> Emulator:
    """An emulator whose tokens live for an hour; its environment is this process's until the test ends."""
    return start_emulator()
