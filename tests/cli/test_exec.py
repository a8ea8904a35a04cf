"""`entrakey exec` as typed."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest
from conftest import BINARY, PATIENCE_S, WITH_US, Terminal, run

from entrakey.emulator import Emulator

# Says what it gets, one line each; USR2 ends it.
# Each signal writes a byte: two that come together would be one call of Python's own handlers.
LISTENER = """
import os, signal, sys
reading, writing = os.pipe()
os.set_blocking(writing, False)
signal.set_wakeup_fd(writing)
for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2):
    signal.signal(each, lambda *_: None)
print("ready", flush=True)
while True:
    for number in os.read(reading, 1):
        print(signal.Signals(number).name, flush=True)
        if number == signal.SIGUSR2: sys.exit(9)
"""


def variables(text):
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def test_the_command_finds_a_redis_and_no_token_in_its_environment(emulator, host, env):
    ended = run("exec", host, "--", "env", env=env)
    assert ended.returncode == 0 and ended.stderr == "", ended
    found = variables(ended.stdout)
    assert found["REDIS_HOST"] == "127.0.0.1" and found["REDISCLI_AUTH"] == found["REDIS_PASSWORD"]
    assert found["REDIS_URL"] == f"redis://default:{found['REDIS_PASSWORD']}@127.0.0.1:{found['REDIS_PORT']}"
    assert "eyJ" not in ended.stdout
    assert len(found["REDIS_PASSWORD"]) == 48 and found["REDIS_PASSWORD"] not in run("exec", host, "--", "env", env=env).stdout


def test_the_names_of_the_variables_can_be_chosen(host, env):
    names = ["--url-variable", "BROKER", "--host-variable", "A", "--port-variable", "B", "--password-variable", "C"]
    found = variables(run("exec", host, *names, "--", "env", env=env).stdout)
    assert found["BROKER"] == f"redis://default:{found['C']}@{found['A']}:{found['B']}"
    assert found["REDIS_PORT"] == env["REDIS_PORT"], "what was not asked for is left alone"


def test_two_variables_have_two_names(host, env):
    ended = run("exec", host, "--port-variable", "REDIS_HOST", "--", "env", env=env)
    assert ended.returncode == 125 and ended.stdout == "" and "REDIS_HOST is to be two" in ended.stderr, ended


def test_entrakeys_own_secrets_stay_and_azures_pass(host, secret_env):
    secret = secret_env["AZURE_CLIENT_SECRET"]
    own = ["ENTRAKEY_CLIENT_SECRET", "ENTRAKEY_PROXY_PASSWORD", "ENTRAKEY_LEASES_TOKEN", "ENTRAKEY_LEASES_DATABASE"]
    found = variables(run("exec", host, "--", "env", env={**secret_env, **dict.fromkeys(own, secret)}).stdout)
    assert not set(own) & set(found) and found["AZURE_CLIENT_SECRET"] == secret
    assert found["ENTRAKEY_IDENTITY"] == "service_principal"


def test_no_process_has_a_token_in_its_arguments(host, env):
    parents = "cat /proc/$$/cmdline /proc/$PPID/cmdline | tr '\\0' ' '"
    ended = run("exec", host, "--", "sh", "-c", parents, env=env)
    assert "exec" in ended.stdout and "eyJ" not in ended.stdout, ended


def test_redis_py_connects_by_the_url(host, env):
    script = "import os, redis; print(redis.from_url(os.environ['REDIS_URL']).ping())"
    ended = run("exec", host, "--", sys.executable, "-c", script, env=env)
    assert ended.stdout == "True\n", ended


def test_a_command_may_have_as_many_connections_as_its_own_limit_of_open_files_permits(host, env):
    """Each takes two of entrakey's: what the shell permits to both at first would be enough for half of them."""
    script = """
import os, resource, socket
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
address = (os.environ["REDIS_HOST"], int(os.environ["REDIS_PORT"]))
streams = [socket.create_connection(address, timeout=30) for _ in range(180)]
for stream in streams:
    stream.sendall(f"AUTH {os.environ['REDIS_PASSWORD']}\\r\\nPING\\r\\n".encode())
print(sum(stream.recv(5) == b"+OK\\r\\n" and stream.recv(7) == b"+PONG\\r\\n" for stream in streams))
"""
    limited = ["sh", "-c", 'ulimit -Sn 256 && exec "$@"', "sh", BINARY, "exec", host, "--", sys.executable, "-c", script]
    ended = subprocess.run([*WITH_US, *limited], env=env, capture_output=True, text=True, timeout=PATIENCE_S)
    assert ended.stdout == "256\n180\n" and ended.stderr == "", ended


def test_nobody_without_the_password_is_served(host, env):
    script = 'env -u REDISCLI_AUTH redis-cli -p "$REDIS_PORT" PING'
    ended = run("exec", host, "--", "sh", "-c", script, env=env)
    assert "NOAUTH" in ended.stdout + ended.stderr, ended


def test_standard_input_and_output_are_the_commands(host, env):
    ended = run("exec", host, "--", "redis-cli", env=env, input="ECHO piped\n")
    assert ended.stdout == "piped\n", ended


@pytest.mark.parametrize("code", [0, 1, 7, 125, 255])
def test_it_ends_with_the_commands_exit_code(host, env, code):
    assert run("exec", host, "--", "sh", "-c", f"exit {code}", env=env).returncode == code


@pytest.mark.parametrize("name", ["TERM", "KILL", "SEGV"])
def test_a_command_that_a_signal_killed_ends_it_with_128_and_the_signals_number(host, env, name):
    ended = run("exec", host, "--", "sh", "-c", f"kill -{name} $$", env=env)
    assert ended.returncode == 128 + signal.Signals[f"SIG{name}"], ended


def test_its_own_failures_are_125_126_and_127(host, env, secret_env, tmp_path):
    unrunnable = tmp_path / "program"
    unrunnable.write_text("text")
    for code, says, environment, arguments in [
        (125, "COMMAND", env, [host]),
        (125, "no URL", env, ["redis://:hunter2@h:1", "--", "true"]),
        (125, "AADSTS7000215", {**secret_env, "AZURE_CLIENT_SECRET": "wrong"}, [host, "--", "true"]),
        (125, "127.0.0.1:1", env, ["127.0.0.1:1", "--connect-timeout", "5s", "--", "true"]),
        (126, "program cannot be run", env, [host, "--", str(unrunnable)]),
        (127, "no-such-program was not found", env, [host, "--", "no-such-program"]),
    ]:
        ended = run("exec", *arguments, env=environment)
        assert ended.returncode == code and says in ended.stderr and "hunter2" not in ended.stderr, ended
    assert run("exec", "--help", env=env).returncode == 0


def test_without_the_connection_test_the_command_is_run_at_once(env):
    ended = run("exec", "127.0.0.1:1", "--no-connection-test", "--", "echo", "run", env=env)
    assert ended.returncode == 0 and ended.stdout == "run\n", ended


def test_signals_that_are_sent_to_it_reach_the_command_once(host, env):
    command = [*WITH_US, BINARY, "exec", host, "--", sys.executable, "-c", LISTENER]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"):
            process.send_signal(signal.Signals[name])
            assert process.stdout.readline() == f"{name}\n"
        assert process.stdout.read() == "" and process.wait(PATIENCE_S) == 9


def test_ctrl_c_reaches_the_command_once_and_does_not_end_the_proxy(host, env):
    with Terminal(*WITH_US, BINARY, "exec", host, "--", sys.executable, "-c", LISTENER, env=env) as terminal:
        terminal.wait_for("ready")
        # A second SIGINT that comes before the command has seen the first is none: entrakey is to see it later.
        os.kill(terminal.pid, signal.SIGSTOP)
        terminal.type("\x03")
        terminal.wait_for("SIGINT")
        os.kill(terminal.pid, signal.SIGCONT)
        for name in ("SIGUSR1", "SIGUSR2"):  # passed on after whatever came before
            os.kill(terminal.pid, signal.Signals[name])
            terminal.wait_for(name)
        assert terminal.ended() == 9
        assert terminal.said.count("SIGINT") == 1, terminal.said


def test_a_mistyped_option_is_not_taken_for_the_command(host, env):
    ended = run("exec", host, "--no-conection-test", "--", "true", env=env)
    assert ended.returncode == 125 and "--no-conection-test" in ended.stderr, ended


def test_what_nohup_ignores_stays_ignored(host, env):
    script = "grep SigIgn /proc/self/status"
    ended = run("exec", host, "--", "sh", "-c", script, env=env, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert int(ended.stdout.split()[1], 16) & 1, ended


def test_redis_cli_in_a_terminal_outlives_five_tokens():
    with Emulator.start(token_lifetime="6s") as emulator:
        host = f"{emulator['REDIS_HOST']}:{emulator['REDIS_PORT']}"
        user = emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]
        env = emulator.process_environment(ENTRAKEY_IDENTITY="managed_identity", TERM="dumb")
        with Terminal(*WITH_US, BINARY, "exec", host, "--", "redis-cli", env=env) as terminal:
            terminal.wait_for(r"127\.0\.0\.1:\d+> ")
            terminal.type("CLIENT ID\r")
            connection = terminal.wait_for(r"\(integer\) (\d+)").group(1)
            first = emulator.connections(user)["auths"]
            while emulator.connections(user)["auths"] < first + 5:
                terminal.type("PING\r")
                terminal.wait_for("PONG")
            terminal.type("CLIENT ID\r")
            assert terminal.wait_for(r"\(integer\) (\d+)").group(1) == connection
            terminal.type("quit\r")
            assert terminal.ended() == 0
            assert "Error" not in terminal.said and "eyJ" not in terminal.said
            assert emulator.connections(user)["expired"] == 0


def test_the_proxy_ends_with_the_command(host, env, tmp_path):
    port = tmp_path / "port"
    ended = run("exec", host, "--", "sh", "-c", f'echo "$REDIS_PORT" > {port}', env=env)
    assert ended.returncode == 0
    listening = pathlib.Path("/proc/net/tcp").read_text()
    assert f":{int(port.read_text()):04X} 00000000:0000 0A" not in listening
