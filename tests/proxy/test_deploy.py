"""The files in deploy/ start a proxy that serves, as they are but for the names of machines and places."""

import configparser
import os
import re
import shlex
import socket
import subprocess

import pytest
import redis
import yaml
from conftest import ROOT
from entrakey.emulator import Emulator
from ports import free_port
from running import DIRECT, WITH_US

HOST = "mycache.westeurope.redis.azure.net"


@pytest.fixture(scope="module")
def azure():
    with Emulator.start() as emulator:
        yield emulator


def start(azure, environment, arguments, **variables):
    """Runs what a file says; its log."""
    assert arguments[0] == "proxy" and HOST in arguments
    server = f"{azure['REDIS_HOST']}:{azure['REDIS_PORT']}"
    command = [*WITH_US, os.environ["ENTRAKEY_BIN"], *(one.replace(HOST, server) for one in arguments)]
    environment = azure.process_environment(environment, ENTRAKEY_PROXY_PORT="0", **variables)
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def listens(process):
    for line in process.stderr:
        if found := re.search(r"listening on ([^\s\"]+)", line):
            return found.group(1)
    raise AssertionError(f"it ended with {process.wait()}")


def seconds(text):
    return int(re.fullmatch(r"(\d+)s?", str(text)).group(1))


def test_the_systemd_unit(azure, tmp_path):
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read_string((ROOT / "deploy/systemd/entrakey-proxy.service").read_text().replace("\\\n", " "))
    service = unit["Service"]
    program, *arguments = shlex.split(service["ExecStart"])
    assert program == "/usr/local/bin/entrakey" and service["Type"] == "notify"
    assert seconds(service["TimeoutStopSec"]) > seconds(arguments[arguments.index("--max-sigterm-delay") + 1])
    path = tmp_path / "redis.sock"
    arguments = [one.replace("/run/entrakey/redis.sock", str(path)) for one in arguments]
    variable, value = service["Environment"].split("=")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(60)
        told = {variable: value, "NOTIFY_SOCKET": systemd.getsockname()}
        with start(azure, "imds", arguments, **told) as proxy:
            try:
                assert systemd.recv(1000).startswith(b"READY=1")
                assert redis.Redis(unix_socket_path=str(path)).ping() and path.stat().st_mode & 0o777 == 0o660
                proxy.terminate()
                assert systemd.recv(1000) == b"STOPPING=1\n"
                assert proxy.wait(60) == seconds(service["SuccessExitStatus"])
            finally:
                proxy.kill()


def test_the_sidecar(azure):
    pod = yaml.safe_load((ROOT / "deploy/kubernetes/proxy-sidecar.yaml").read_text())
    (sidecar,) = pod["spec"]["initContainers"]
    (delay,) = (one.split("=")[1] for one in sidecar["args"] if one.startswith("--max-sigterm-delay="))
    assert pod["spec"]["terminationGracePeriodSeconds"] > seconds(delay)
    port = free_port()
    with start(azure, "workload_identity", sidecar["args"], ENTRAKEY_PROXY_HTTP_PORT=str(port)) as proxy:
        try:
            host, at = listens(proxy).rsplit(":", 1)
            assert host == "127.0.0.1" and redis.Redis(port=int(at)).ping()
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                asked = sidecar[probe]["httpGet"]
                assert asked["port"] == 9090
                assert DIRECT.open(f"http://127.0.0.1:{port}{asked['path']}", timeout=60).status == 200
            proxy.terminate()
            assert proxy.wait(60) == 0
        finally:
            proxy.kill()
    (application,) = pod["spec"]["containers"]
    assert {"name": "REDIS_URL", "value": "redis://127.0.0.1:6379/0"} in application["env"]


def test_the_page_names_the_files():
    page = (ROOT / "docs/proxy.md").read_text()
    for file in (ROOT / "deploy").rglob("*proxy*"):
        assert str(file.relative_to(ROOT)) in page
