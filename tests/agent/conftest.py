import os
import pathlib
import shutil
import tempfile

import pytest
from agents import STRANGER

from entrakey.emulator import Emulator

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("ENTRAKEY_BIN", str(ROOT / "target/debug/entrakey"))


@pytest.fixture(scope="module")
def emulator():
    """Azure, with tokens of an hour."""
    with Emulator.start() as emulator:
        yield emulator


@pytest.fixture
def as_another_user():
    """A command that becomes a user of its own, in a group of choice and others besides."""
    mapped = sum(int(line.split()[2]) for line in pathlib.Path("/proc/self/uid_map").read_text().splitlines())
    assert os.geteuid() == 0 and mapped > STRANGER, "only root can be another user: run the agent's tests as root"

    def command(gid=STRANGER, groups=(), uid=STRANGER):
        more = [f"--groups={','.join(map(str, groups))}"] if groups else ["--clear-groups"]
        return ["setpriv", "--pdeathsig=KILL", f"--reuid={uid}", f"--regid={gid}", *more]

    return command


@pytest.fixture
def open_place():
    """A folder that every user may enter, with the command in it."""
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        place = pathlib.Path(place)
        shutil.copy(os.environ["ENTRAKEY_BIN"], place / "entrakey")
        yield place


@pytest.fixture
def folder(tmp_path):
    """Where an agent is: as it makes the folder itself."""
    return tmp_path / "agent"
