import os
import pathlib
import sys

import pytest

from entrakey.emulator import Emulator

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("ENTRAKEY_BIN", str(ROOT / "target/debug/entrakey"))
sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(1, str(ROOT / "tests/proxy"))  # what runs a process of ours is the same


@pytest.fixture(scope="module")
def emulator():
    """Azure, where a new secret takes half a second to be known."""
    with Emulator.start(secret_delay="500ms") as emulator:
        yield emulator
