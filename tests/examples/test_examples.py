"""What README shows is what the examples contain, and the examples do what they say."""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

from entrakey.emulator import Emulator

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("ENTRAKEY_BIN", str(ROOT / "target/debug/entrakey"))
HELLO = {
    "python": ("examples/python/hello.py", [sys.executable, ROOT / "examples/python/hello.py"]),
    "js": ("examples/node/hello.mjs", ["node", ROOT / "examples/node/hello.mjs"]),
    "c": ("examples/c/hello.c", [ROOT / "target/examples-c/hello"]),
}


@pytest.fixture(scope="module")
def emulator():
    with Emulator.start() as emulator:
        yield emulator


@pytest.mark.parametrize("language", HELLO)
def test_readme_shows_the_example_and_the_example_runs(language, emulator):
    path, command = HELLO[language]
    blocks = re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert (ROOT / path).read_text() in blocks, f"README does not show {path} as it is"
    for identity, name in [("managed_identity", "SYSTEM"), ("service_principal", "SERVICE_PRINCIPAL")]:
        environment = emulator.process_environment(ENTRAKEY_IDENTITY=identity)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert emulator[f"ENTRAKEY_EMULATOR_{name}_OBJECT_ID"] in done.stdout
        assert "eyJ" not in done.stdout + done.stderr, "a token was printed"


@pytest.mark.parametrize("example", ["async", "pool", "valkey"])
def test_a_connection_outlives_its_tokens_and_verifies_the_servers_name(example):
    program = ROOT / "target/examples-c" / example
    with Emulator.start(token_lifetime=LIFETIME) as emulator:
        environment = emulator.process_environment(ENTRAKEY_IDENTITY="managed_identity")
        done = subprocess.run([program, "18"], env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        said = json.loads(done.stdout.splitlines()[-1])
        assert said["reauths"] >= 2 and said.get("messages", said.get("commands")) > 100, said
        assert said["errors"] == 0 and said.get("disconnects", 0) == 0, said
        environment["REDIS_TLS_NAME"] = "another.example"
        done = subprocess.run([program, "9"], env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode != 0 and "messages\": 1" not in done.stdout, "a certificate for another name was taken"


# On a machine that stands still for a second now and then.
LIFETIME = "8s"


def demo(*options):
    command = [sys.executable, ROOT / "examples/demo/demo.py", *options]
    # Whoever runs it may sit behind a proxy and use Azure: port 9 answers nobody.
    shell = {"HTTPS_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "AZURE_TENANT_ID": "my-own"}
    environment = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env={**environment, **shell})


# redis-py, node-redis, hiredis, redis-cli, rueidis and Lettuce: what the tests need has Go and Java among it.
CLIENTS = 6


def test_the_demo_succeeds():
    done = demo("--seconds", "26", "--token-lifetime", LIFETIME, "--rotations", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" ok\n") == CLIENTS, done.stdout


def test_the_demo_fails_when_its_redis_is_stopped():
    done = demo("--seconds", "12", "--token-lifetime", LIFETIME, "--rotations", "1", "--kill-redis-after", "8")
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.count("WRONG: ") == CLIENTS, done.stdout


def blocks_of_the_emulators_page(language):
    """By the file that a comment in the first line names."""
    text = (ROOT / "docs/emulator.md").read_text()
    return dict(re.findall(rf"```{language}\n(?:#|//) (\S+)\n(.*?)```", text, re.DOTALL))


def test_the_emulators_page_shows_tests_that_pass_with_pytest(tmp_path):
    for name, text in blocks_of_the_emulators_page("python").items():
        (tmp_path / name).write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_the_emulators_page_shows_tests_that_pass_with_node(tmp_path):
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules/entrakey").symlink_to(ROOT / "bindings/node")
    for name, text in blocks_of_the_emulators_page("js").items():
        (tmp_path / name).write_text(text)
    done = subprocess.run(["node", "--test", str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert re.search(r"pass 1\b", done.stdout), done.stdout + done.stderr
