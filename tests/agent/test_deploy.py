"""The files in deploy/ start an agent that serves, as they are but for the names of places."""

import configparser
import contextlib
import os
import re
import shlex
import socket
import subprocess

import pytest
import yaml
from agents import OverUnix, ask
from conftest import ROOT
from running import DIRECT, PATIENCE_S, WITH_US, free_port, wait_until


def unit_of(name):
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read_string((ROOT / "deploy/systemd" / name).read_text().replace("\\\n", " "))
    return unit


@pytest.fixture
def service():
    return unit_of("entrakey-agent.service")["Service"]


@contextlib.contextmanager
def started(emulator, environment, arguments, **variables):
    command = [*WITH_US, os.environ["ENTRAKEY_BIN"], *arguments]
    env = emulator.process_environment(environment, ENTRAKEY_AGENT_PORT="0", **variables)
    process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait(PATIENCE_S)


def seconds(text):
    return int(re.fullmatch(r"(\d+)s?", str(text)).group(1))


def test_the_systemd_unit(emulator, folder, service):
    program, *arguments = shlex.split(service["ExecStart"])
    assert program == "/usr/local/bin/entrakey" and service["Type"] == "notify"
    assert seconds(service["TimeoutStopSec"]) > seconds(arguments[arguments.index("--max-sigterm-delay") + 1])
    assert service["RuntimeDirectoryMode"] == "0750" and service["LimitMEMLOCK"] == "infinity"
    folder.mkdir(0o750)  # as systemd makes it
    variable, value = service["Environment"].split("=")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(folder.with_name("notify")))
        systemd.settimeout(PATIENCE_S)
        told = {variable: value, "NOTIFY_SOCKET": systemd.getsockname(), "RUNTIME_DIRECTORY": str(folder)}
        with started(emulator, "imds", arguments, **told) as agent:
            assert systemd.recv(1000).startswith(b"READY=1")
            assert ask(OverUnix(folder / "agent.sock"), "/v1/secrets/default")[0] == 200
            agent.terminate()
            assert systemd.recv(1000) == b"STOPPING=1\n"
            assert agent.wait(PATIENCE_S) == seconds(service["SuccessExitStatus"])


def test_the_socket_unit_lets_in_whom_the_service_is_for(service):
    unit = unit_of("entrakey-agent.socket")["Socket"]
    assert (unit["SocketUser"], unit["SocketGroup"]) == (service["User"], service["Group"])
    assert unit["SocketMode"] == "0660" and unit["ListenStream"].startswith("/run/")


def test_the_sidecar(emulator, tmp_path):
    pod = yaml.safe_load((ROOT / "deploy/kubernetes/agent-sidecar.yaml").read_text())
    (sidecar,) = pod["spec"]["initContainers"]
    (delay,) = (one.split("=")[1] for one in sidecar["args"] if one.startswith("--max-sigterm-delay="))
    assert pod["spec"]["terminationGracePeriodSeconds"] > seconds(delay)
    arguments = [one.replace("/run/agent", str(tmp_path)) for one in sidecar["args"]]
    port = free_port()
    with started(emulator, "workload_identity", arguments, ENTRAKEY_AGENT_HTTP_PORT=str(port)) as agent:
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
