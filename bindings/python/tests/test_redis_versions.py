"""The modes of test_redis_modes.py with older versions of redis-py, which scripts/python-package.sh installs."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
VERSIONS = (ROOT / "bindings/python/redis-versions.txt").read_text().split()


@pytest.mark.xdist_group("versions")  # one after the other: each keeps several processes busy
@pytest.mark.parametrize("version", VERSIONS)
def test_every_mode_works_with_an_older_redis_py(version):
    folder = ROOT / ".cache/redis-py" / version
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    used = subprocess.run(
        [sys.executable, "-c", "import redis; print(redis.__version__)"], env=environment, capture_output=True, text=True
    )
    assert used.stdout.strip() == version, used.stderr
    modes = pathlib.Path(__file__).with_name("test_redis_modes.py")
    command = [sys.executable, "-m", "pytest", "-q", "-n", "4", "-p", "no:cacheprovider", modes]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stdout + done.stderr
