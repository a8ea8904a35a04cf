"""test_redis_modes.py and test_redis_connects.py with older versions of redis-py, which scripts/build/python-package.sh
installs, and with valkey-py."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
FILES = ["test_redis_modes.py", "test_redis_connects.py"]
VERSIONS = (ROOT / "bindings/python/redis-versions.txt").read_text().split()
PATIENCE_S = 400  # each of their tests has a time-out of its own


def one_after_the_other(test):
    """Each keeps several processes busy."""
    return pytest.mark.timeout(PATIENCE_S + 20)(pytest.mark.xdist_group("versions")(test))


@one_after_the_other
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_mode_works_with_an_older_redis_py(version, file):
    folder = ROOT / ".cache/redis-py" / version
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    used = subprocess.run(
        [sys.executable, "-c", "import redis; print(redis.__version__)"], env=environment, capture_output=True, text=True
    )
    assert used.stdout.strip() == version, used.stderr
    every_mode_works(file, environment)


@one_after_the_other
@pytest.mark.parametrize("file", FILES)
def test_every_mode_works_with_valkey_py(file):
    every_mode_works(file, {**os.environ, "CLIENT_PACKAGE": "valkey"})


def every_mode_works(file, environment):
    tests = pathlib.Path(__file__).with_name(file)
    command = [sys.executable, "-m", "pytest", "-q", "-n", "4", "-p", "no:cacheprovider", tests]
    command += ["--deselect", f"{tests}::{BUSY}", "--deselect", f"tests/{file}::{BUSY}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr


# Keeps a processor busy for as long as it runs: once is enough.
BUSY = "test_an_asyncio_clusters_connections_outlive_their_tokens[0]"

IMPORT = """
    import sys
    for missing in sys.argv[1:]:
        sys.modules[missing] = None
    import entrakey.redis
    print(*[error.__name__ for error in entrakey.redis._quirks.packages.CLIENT_ERRORS])
"""


@pytest.mark.parametrize(("missing", "left"), [("redis", "ValkeyError"), ("valkey", "RedisError")])
def test_either_package_is_enough(run, missing, left):
    imported = run(IMPORT, missing)
    assert imported.stdout.split() == [left], imported.stderr


def test_that_there_is_neither_package_is_said(run):
    imported = run(IMPORT, "redis", "valkey")
    assert "neither is installed: pip install redis" in imported.stderr
