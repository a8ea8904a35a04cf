"""What all commands have in common: help, colours, progress, completions, manual pages."""

import os
import pathlib
import re
import socket
import subprocess
import time

import pytest
from conftest import BINARY, ROOT, WITH_US, Terminal, run

COLOUR = "\x1b["


def commands(env):
    said = run("--help", env=env).stdout
    listed = re.search(r"Commands:\n((?:  .*\n)+)", said).group(1)
    return [name for name in re.findall(r"^  ([a-z]+) ", listed, re.MULTILINE) if name != "help"]


def test_the_help_of_each_command_has_examples_and_says_what_it_ends_with(env):
    names = commands(env)
    assert {"token", "exec", "proxy", "emulator", "control", "completions", "man"} <= set(names)
    for name in names:
        said = run(name, "--help", env=env).stdout
        assert re.search(rf"^ +(eval .*)?entrakey {name}", said, re.MULTILINE), name
        assert "Examples:" in said and "Exit codes:" in said, name


def test_wait_ends_when_its_time_is_over_also_if_somebody_takes_the_connection_and_says_nothing(env):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = time.monotonic()
        ended = run("proxy", "wait", "--max", "500ms", "--http-port", silent.getsockname()[1], env=env)
        assert ended.returncode == 5 and "not started within 500ms" in ended.stderr, ended
        assert time.monotonic() - begun < 4


@pytest.mark.parametrize(
    ("variables", "typed", "code", "says"),
    [
        ({"ENTRAKEY_LEASES_SOCKET": "/nowhere"}, ["lease", "list", "--url", "http://127.0.0.1:1"], 5, "127.0.0.1:1"),
        ({"ENTRAKEY_LEASES_URL": "http://127.0.0.1:1"}, ["lease", "list", "--socket=/nowhere"], 5, "/nowhere"),
        ({"ENTRAKEY_PROXY_QUIET": "true"}, ["proxy", "--debug-logs"], 2, "Which Redis?"),
        ({"ENTRAKEY_PROXY_PASSWORD": "x"}, ["proxy", "--password-file", "/nowhere"], 2, "Which Redis?"),
    ],
)
def test_what_is_typed_wins_over_the_variable_of_what_it_excludes(env, variables, typed, code, says):
    ended = run(*typed, env={**env, "ENTRAKEY_LEASES_TOKEN": "ekl_x", **variables})
    assert ended.returncode == code and says in ended.stderr and "cannot be used with" not in ended.stderr, ended


def test_it_says_its_version_under_the_name_that_is_typed(env):
    said = run("--version", env=env).stdout
    assert re.fullmatch(r"entrakey \d+\.\d+\.\d+\n", said), said


@pytest.mark.parametrize("command", [["token"], ["man"], ["completions", "bash"]])
def test_a_full_disk_is_said_with_what_could_not_be_written(env, command):
    with open("/dev/full", "w") as full:
        ended = subprocess.run([*WITH_US, BINARY, *command], env=env, stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 1, ended
    expected = "Standard output cannot be written to: No space left on device (os error 28): free some space there"
    assert expected in ended.stderr, ended


@pytest.mark.parametrize(
    ("code", "says", "arguments"),
    [
        (2, "a time is needed: 500ms, 8s, 5m, 1h, or a number of seconds", ["emulator", "--token-lifetime", "long"]),
        (2, "a time is needed: 90s, 2h, or -10m", ["emulator", "--clock-offset", "long"]),
        (2, "a number is needed: 60, or 0.5", ["emulator", "--clock-scale", "fast"]),
        (2, "a port is a number from 0 to 65535", ["emulator", "--redis-port", "redis"]),
        (125, "it must be more than 0", ["exec", "localhost:1", "--connect-timeout", "0", "--", "true"]),
        (5, "http://127.0.0.1:1: Connection refused (os error 111). Start", ["control", "--url", "http://127.0.0.1:1"]),
        (5, "/startup: not started within 0s: Connection refused", ["proxy", "wait", "--max", "0", "--http-port", "1"]),
        (2, "/dev/null is empty: write one", ["doctor", "localhost:1", "--access-key-path", "/dev/null"]),
        (5, "/quitquitquit: Connection refused", ["proxy", "shutdown", "--admin-port", "1"]),
    ],
)
def test_what_is_wrong_is_said_in_words_for_people(env, code, says, arguments):
    ended = run(*arguments, env=env)
    assert ended.returncode == code and says in ended.stderr, ended
    for jargon in ("digit found in string", "expected number at", "io: "):
        assert jargon not in ended.stderr, ended


def test_colours_are_for_terminals_without_no_color(env):
    # Each of these decides about colours too, whatever the terminal is: CI has CI.
    decides = {"CI", "CLICOLOR", "CLICOLOR_FORCE", "NO_COLOR"}
    env = {**{name: value for name, value in env.items() if name not in decides}, "TERM": "xterm"}
    assert COLOUR not in run("token", "--help", env=env).stdout
    for variables, has_colours in [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]:
        with Terminal(*WITH_US, BINARY, "token", "--help", env={**env, **variables}) as terminal:
            assert terminal.ended() == 0
            assert (COLOUR in terminal.said) == has_colours, variables


def test_what_takes_long_says_so_in_a_terminal_and_nowhere_else(env, faults):
    env = {**env, "TERM": "xterm"}
    faults("imds", {"delay_ms": 2500})
    with Terminal(*WITH_US, BINARY, "token", env=env) as terminal:
        terminal.wait_for("entrakey: waiting for a token, 1 s so far")
        assert terminal.ended() == 0
        assert terminal.said.rpartition("so far")[2].startswith("\r\x1b[K"), "the line is taken away"
    faults("imds", {"delay_ms": 2500})
    assert run("token", env=env).stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell", "elvish"])
def test_each_shell_can_complete_its_commands(env, shell):
    ended = run("completions", shell, env=env)
    assert ended.returncode == 0 and "connect-timeout" in ended.stdout and "exec" in ended.stdout


def test_bash_completes_by_it(env):
    script = """. /dev/stdin; COMP_WORDS=(entrakey exe); COMP_CWORD=1; _entrakey entrakey exe entrakey; echo "${COMPREPLY[@]}" """
    script_of_bash = run("completions", "bash", env=env).stdout
    ended = subprocess.run(["bash", "-c", script], input=script_of_bash, capture_output=True, text=True, timeout=60)
    assert ended.stdout == "exec\n", ended


def test_every_command_has_a_manual_page(env, tmp_path):
    assert run("man", "--folder", tmp_path, env=env).returncode == 0
    for name in commands(env):
        page = (tmp_path / f"entrakey-{name}.1").read_text()
        assert page == run("man", name, env=env).stdout
        assert re.search(rf'\.TH entrakey-{name} 1  "entrakey-{name} \d+\.\d+\.\d+"', page), page[:200]
    assert "--max" in run("man", "proxy", "wait", env=env).stdout.replace("\\-", "-")
    ended = run("man", "nonsense", env=env)
    assert ended.returncode == 2 and "nonsense" in ended.stderr


def test_a_reader_that_has_had_enough_is_no_error(env):
    reading, writing = os.pipe()
    os.close(reading)
    command = [BINARY, "completions", "bash"]
    ended = subprocess.run(command, env=env, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, ""), ended


def test_what_make_installs_is_complete_and_uninstall_leaves_nothing(env, tmp_path):
    def make(goal):
        where = [f"BUILT={pathlib.Path(BINARY).parent}", f"PREFIX={tmp_path}/the prefix", f"DESTDIR={tmp_path}/stage"]
        command = ["make", "--no-print-directory", goal, "CARGO=true", *where]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
        staged = pathlib.Path(f"{tmp_path}/stage{tmp_path}/the prefix")
        return {str(path.relative_to(staged)) for path in staged.rglob("*") if path.is_file()}

    installed = make("install-cli")
    names = [*(f"share/man/man1/entrakey-{name}.1" for name in commands(env)), "share/man/man1/entrakey.1", "bin/entrakey"]
    completions = ["bash-completion/completions/entrakey", "zsh/site-functions/_entrakey", "fish/vendor_completions.d/entrakey.fish"]
    assert {*names, *(f"share/{name}" for name in completions)} <= installed
    assert any(name.endswith("THIRD-PARTY-NOTICES") for name in installed)
    assert make("uninstall-cli") == set()
