"""The files in deploy/ start an agent that serves, as they are but for the names of places."""

import configparser
import contextlib
import http.client
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import threading

import pytest
import yaml
from agents import ASKS, RESOURCE, STRANGER, VERSION, ask, entrakey
from conftest import ROOT
from ports import free_port
from running import DIRECT, PATIENCE_S, WITH_US, wait_until


def unit_of(name):
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read_string((ROOT / "deploy/systemd" / name).read_text().replace("\\\n", " "))
    return unit


@pytest.fixture
def service():
    return unit_of("entrakey-agent.service")["Service"]


@contextlib.contextmanager
def started(emulator, environment, command, descriptors=(), **variables):
    env = emulator.process_environment(environment, ENTRAKEY_AGENT_PORT="0", **variables)
    more = {"pass_fds": descriptors, "stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([*WITH_US, *map(str, command)], env=env, **more)
    try:
        yield process
    finally:
        process.kill()
        process.wait(PATIENCE_S)


def seconds(text):
    return int(re.fullmatch(r"(\d+)s?", str(text)).group(1))


# Who the unit's user and group are here.
USER, GROUP = STRANGER + 1, STRANGER + 2


def arguments_of(service):
    """As the unit has them; the group by its number, as this machine does not know its name."""
    program, *arguments = shlex.split(service["ExecStart"])
    assert program == "/usr/local/bin/entrakey" and service["Type"] == "notify"
    assert arguments[arguments.index("--allow-gid") + 1] == service["Group"] == "redis-clients"
    return [str(GROUP) if one == service["Group"] else one for one in arguments]


@contextlib.contextmanager
def systemd(folder):
    """Where a unit tells that it is ready."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(folder / "notify"))
        os.chmod(folder / "notify", 0o777)
        systemd.settimeout(PATIENCE_S)
        yield systemd


def test_the_systemd_unit_serves_the_members_of_its_group_and_nobody_else(
    emulator, as_another_user, open_place, service
):
    """As systemd does it: another user, in the unit's group, in a directory that was made for it."""
    arguments = arguments_of(service)
    assert seconds(service["TimeoutStopSec"]) > seconds(arguments[arguments.index("--max-sigterm-delay") + 1])
    assert service["RuntimeDirectoryMode"] == "0750" and service["LimitMEMLOCK"] == "infinity"
    folder = open_place / "entrakey-agent"
    folder.mkdir()
    os.chown(folder, USER, GROUP)
    folder.chmod(0o750)
    variable, value = service["Environment"].split("=")
    with systemd(open_place) as told:
        variables = {variable: value, "NOTIFY_SOCKET": told.getsockname(), "RUNTIME_DIRECTORY": str(folder)}
        command = [*as_another_user(GROUP, uid=USER), open_place / "entrakey", *arguments]
        with started(emulator, "imds", command, **variables) as agent:
            assert told.recv(1000) == b"EXTEND_TIMEOUT_USEC=50000000\n", "--wait, which the unit's own limit may be below"
            assert told.recv(1000).startswith(b"READY=1")

            def asked(groups, gid=STRANGER):
                command = [*as_another_user(gid, groups), "/usr/bin/python3", "-c", ASKS, folder / "agent.sock"]
                return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=PATIENCE_S)

            assert asked([GROUP]).stdout == "200\n", "a member, as usermod -aG makes one"
            assert asked([], gid=GROUP).stdout == "200\n", "its primary group"
            assert "PermissionError" in asked([GROUP + 1]).stderr
            agent.terminate()
            assert told.recv(1000) == b"STOPPING=1\n"
            assert agent.wait(PATIENCE_S) == seconds(service["SuccessExitStatus"])


def streams(text):
    """What a .socket unit listens on: the same key many times."""
    return re.findall(r"^ListenStream=(.*)$", text, re.MULTILINE)


def test_the_socket_unit_has_the_unix_socket_and_the_port_for_whom_the_service_is_for(service):
    unit = unit_of("entrakey-agent.socket")["Socket"]
    assert (unit["SocketUser"], unit["SocketGroup"]) == (service["User"], service["Group"])
    assert unit["SocketMode"] == "0660"
    text = (ROOT / "deploy/systemd/entrakey-agent.socket").read_text()
    # Where the command looks for it, and the port that is the command's default.
    assert streams(text) == ["/run/entrakey-agent.sock", "127.0.0.1:8441"]
    assert '"/run/entrakey-agent.sock"' in (ROOT / "cli/src/agent/place.rs").read_text()
    env = {"PATH": os.environ["PATH"]}
    assert "[default: 8441]" in entrakey("agent", "run", "--help", env=env).stdout


def test_what_the_socket_unit_opens_is_held_while_the_agent_is_down_and_served_by_the_next_one(
    emulator, folder, service
):
    """Nobody else can listen on the port meanwhile, and who asks waits."""
    path = folder.with_name("entrakey-agent.sock")
    with contextlib.ExitStack() as stack:
        unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(str(path))
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = tcp.getsockname()[1]
        unix.listen()
        descriptors = (unix.fileno(), tcp.fileno())
        folder.mkdir(0o750)
        hand_over = [sys.executable, ROOT / "tests/agent/programs/hand_over.py", ",".join(map(str, descriptors))]
        command = [*hand_over, os.environ["ENTRAKEY_BIN"], *arguments_of(service)]
        variables = {"ENTRAKEY_IDENTITY": "managed_identity", "RUNTIME_DIRECTORY": str(folder)}

        def run(*words):
            given = ["--socket", path, "--directory", folder]
            return entrakey("agent", *words, *given, env=emulator.process_environment())

        def stock(header):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
            query = f"/msi/token?resource={RESOURCE}&api-version={VERSION}"
            return ask(connection, query, {"X-IDENTITY-HEADER": header})

        with started(emulator, "imds", command, descriptors, **variables):
            token = run("get")
            assert token.returncode == 0 and token.stdout.count(".") == 2, token.stderr
            assert run("status").returncode == 0
            variables_of_client = json.loads(run("env", "-o", "json").stdout)
            assert variables_of_client["IDENTITY_ENDPOINT"] == f"http://127.0.0.1:{port}/msi/token"
            header = variables_of_client["IDENTITY_HEADER"]
            assert stock(header)[0] == 200
            assert not (folder / "agent.sock").exists()
        with pytest.raises(OSError, match="Address already in use"), socket.socket() as other:
            other.bind(("127.0.0.1", port))
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(stock(header)[0]))
        waiting.start()
        with started(emulator, "imds", command, descriptors, **variables):
            waiting.join(PATIENCE_S)
            assert answers == [200]


def test_an_abstract_socket_of_systemds_is_refused(emulator, folder):
    """No directory and no mode would keep anybody out."""
    with socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0entrakey-test-{os.getpid()}")
        abstract.listen()
        hand_over = [sys.executable, str(ROOT / "tests/agent/programs/hand_over.py"), str(abstract.fileno())]
        command = [*hand_over, os.environ["ENTRAKEY_BIN"], "agent", "run", "--directory", str(folder)]
        env = emulator.process_environment(ENTRAKEY_IDENTITY="managed_identity")
        more = {"capture_output": True, "text": True, "timeout": PATIENCE_S, "pass_fds": [abstract.fileno()]}
        ended = subprocess.run(command, env=env, **more)
        assert ended.returncode == 2 and "abstract" in ended.stderr, ended.stderr


def test_the_sidecar(emulator, tmp_path):
    pod = yaml.safe_load((ROOT / "deploy/kubernetes/agent-sidecar.yaml").read_text())
    (sidecar,) = pod["spec"]["initContainers"]
    (delay,) = (one.split("=")[1] for one in sidecar["args"] if one.startswith("--max-sigterm-delay="))
    assert pod["spec"]["terminationGracePeriodSeconds"] > seconds(delay)
    arguments = [one.replace("/run/agent", str(tmp_path)) for one in sidecar["args"]]
    port = free_port()
    command = [os.environ["ENTRAKEY_BIN"], *arguments]
    with started(emulator, "workload_identity", command, ENTRAKEY_AGENT_HTTP_PORT=str(port)) as agent:
        def answers(path):
            with contextlib.suppress(OSError):
                return DIRECT.open(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE_S).status == 200

        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = sidecar[probe]["httpGet"]
            assert asked["port"] == 9090
            wait_until(probe, lambda: answers(asked["path"]))
        wait_until("the file is there", (tmp_path / "redis.json").exists)
        # What the application's command reads.
        assert len((tmp_path / "private/default.header").read_text()) == 64
        agent.terminate()
        assert agent.wait(PATIENCE_S) == 0
    (application,) = pod["spec"]["containers"]
    assert "http://127.0.0.1:8441/msi/token" in application["args"][0]
    assert "/run/agent/private/default.header" in application["args"][0]


def test_the_page_names_the_files():
    page = (ROOT / "docs/agent.md").read_text()
    for file in (ROOT / "deploy").rglob("*agent*"):
        assert str(file.relative_to(ROOT)) in page or file.name in page
