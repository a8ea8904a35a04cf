import os
import pathlib
import sys

import guard

guard.install()  # before any of the libraries is imported

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
os.environ.setdefault("ENTRAKEY_BIN", str(ROOT / "target/debug/entrakey"))
sys.path.insert(0, str(pathlib.Path(__file__).parent))

pytest_plugins = ["entrakey.pytest_plugin"]


@pytest.fixture(autouse=True)
def nothing_left_loopback():
    """No library tried to reach another address, not even one that hides what it met."""
    guard.refused.clear()
    yield
    assert guard.refused == []
