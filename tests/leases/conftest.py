import os
import pathlib

import pytest

from entrakey.emulator import Emulator

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("ENTRAKEY_BIN", str(ROOT / "target/debug/entrakey"))


@pytest.fixture(scope="module")
def emulator():
    """Azure, where a new secret takes half a second to be known."""
    with Emulator.start(secret_delay="500ms") as emulator:
        yield emulator
