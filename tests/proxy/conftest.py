import os
import pathlib

import pytest

from entrakey.emulator import Emulator
from running import Server

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("ENTRAKEY_BIN", str(ROOT / "target/debug/entrakey"))


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A redis-server: queues and scripts of stock clients want all of its commands."""
    with Server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def emulator(server):
    """Its gate: TLS, and tokens of eight seconds; a connection ends when its token does."""
    with Emulator.start(token_lifetime="8s", proxy=server.url) as emulator:
        yield emulator
