"""npm's launcher of the command, as it is under a Node.js that cannot become the command itself (before 22.15)."""

import os
import shutil
import signal
import subprocess
import sys

import pytest
from conftest import PATIENCE_S, ROOT, WITH_US, Terminal

# In the binary's place. Each signal writes a byte: two that come together would be one call of Python's own handlers.
COMMAND = f"""#!{sys.executable}
import os, signal, sys
if sys.argv[1] == "code": sys.exit(int(sys.argv[2]))
if sys.argv[1] == "killed": os.kill(os.getpid(), signal.Signals[sys.argv[2]])
reading, writing = os.pipe()
os.set_blocking(writing, False)
signal.set_wakeup_fd(writing)
for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2):
    signal.signal(each, lambda *_: None)
print("ready", flush=True)
while True:
    for number in os.read(reading, 64):
        print(signal.Signals(number).name, flush=True)
        if number == signal.SIGUSR2: sys.exit(9)
"""


@pytest.fixture
def launcher(tmp_path):
    for file in ("entrakey.cjs", "index.cjs"):
        shutil.copy(ROOT / "cli/npm" / file, tmp_path)
    (tmp_path / "without.cjs").write_text("delete process.execve;")
    names = [f"linux-{machine}-gnu" for machine in ("x64", "arm64")]
    for folder in (tmp_path / f"node_modules/entrakey-cli-{name}" for name in names):
        folder.mkdir(parents=True)
        (folder / "entrakey").write_text(COMMAND)
        (folder / "entrakey").chmod(0o755)
    return [*WITH_US, "node", "--require", str(tmp_path / "without.cjs"), str(tmp_path / "entrakey.cjs")]


def test_signals_that_are_sent_to_it_reach_the_command_once(launcher):
    process = subprocess.Popen([*launcher, "wait"], stdout=subprocess.PIPE, text=True, start_new_session=True)
    with process:
        assert process.stdout.readline() == "ready\n"
        for name in ("SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"):
            process.send_signal(signal.Signals[name])
            assert process.stdout.readline() == f"{name}\n"
        assert process.wait(PATIENCE_S) == 9


def test_ctrl_c_reaches_the_command_once(launcher):
    with Terminal(*launcher, "wait", env=os.environ) as terminal:
        terminal.wait_for("ready")
        terminal.type("\x03")
        terminal.wait_for("SIGINT")
        os.kill(terminal.pid, signal.SIGUSR2)
        assert terminal.ended() == 9
        assert terminal.said.count("SIGINT") == 1, terminal.said


@pytest.mark.parametrize("code", [0, 1, 125, 255])
def test_it_ends_with_the_commands_exit_code(launcher, code):
    assert subprocess.run([*launcher, "code", str(code)], timeout=PATIENCE_S).returncode == code


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_it_ends_by_the_signal_that_killed_the_command(launcher, name):
    ended = subprocess.run([*launcher, "killed", name], timeout=PATIENCE_S)
    assert ended.returncode == -signal.Signals[name]
