"""Stock clients get tokens from the agent by the variables of App Service, as they are, and the tokens open the Redis."""

import json
import os
import subprocess
import sys

import pytest
import redis
from agents import Agent
from conftest import ROOT
from running import PATIENCE_S, WITH_US

from entrakey.emulator import Emulator

PEERS = ROOT / "tests/peers"
BUILT = ROOT / "target/peers"
CLASSES = f"{BUILT}/java/classes:{BUILT}/java/dependency/*"
GO = [str(BUILT / "go"), "token"]
JAVA = ["java", "-XX:TieredStopAtLevel=1", "-cp", CLASSES, "peers.Main", "msal", "token"]
PYTHON = [sys.executable, str(ROOT / "tests/agent/programs/stock.py")]
NODE = ["node", str(PEERS / "node/tokens.mjs"), "app_service"]


@pytest.fixture(scope="module")
def azure():
    with Emulator.start(identities=PEERS / "identities.toml") as emulator:
        yield emulator


@pytest.fixture(scope="module")
def agent(azure, tmp_path_factory):
    """An agent with the machine's identity and a user-assigned one."""
    file = tmp_path_factory.mktemp("file") / "agent.toml"
    client_id = azure["ENTRAKEY_EMULATOR_USER_ASSIGNED_CLIENT_ID"]
    object_id = azure["ENTRAKEY_EMULATOR_USER_ASSIGNED_OBJECT_ID"]
    file.write_text(
        f"""
        [identities.system]
        identity = "managed_identity"
        default = true
        [identities.user]
        identity = "managed_identity"
        client_id = "{client_id}"
        # Object id {object_id}: known when there is a token.
        [[clients]]
        name = "stock"
        """
    )
    folder = tmp_path_factory.mktemp("place") / "agent"
    with Agent(azure, folder, "--config-file", file, identity=None) as agent:
        agent.wait_for("new token", times=2)
        yield agent


def run(azure, agent, command, **more):
    """What a program prints that finds the agent where App Service would be, and nothing else of Azure."""
    own = azure.process_environment("imds")
    ids = {name: value for name, value in own.items() if name.startswith("ENTRAKEY_EMULATOR_")}
    plain = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    env = {**plain, **ids, "NO_PROXY": "127.0.0.1,localhost", **agent.variables("stock"), **more}
    done = subprocess.run([*WITH_US, *command], env=env, capture_output=True, text=True, timeout=2 * PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def opens(azure, who, token):
    object_id = azure[f"ENTRAKEY_EMULATOR_{who}_OBJECT_ID"]
    address = {"host": azure["REDIS_HOST"], "port": int(azure["REDIS_PORT"])}
    tls = {"ssl": True, "ssl_ca_certs": azure["REDIS_CA_FILE"]}
    with redis.Redis(**address, **tls, username=object_id, password=token) as client:
        assert client.ping()


def test_python_azure_identity_msal_and_redis_entraid(azure, agent):
    answers = json.loads(run(azure, agent, PYTHON))
    assert len(answers) == 6
    for name, answer in answers.items():
        assert "token" in answer, (name, answer)
        opens(azure, "USER_ASSIGNED" if name.endswith("user") else "SYSTEM", answer["token"])


def test_node_azure_identity_msal_and_redis_entraid(azure, agent):
    answers = json.loads(run(azure, agent, NODE))
    assert len(answers) == 8
    for name, answer in answers.items():
        assert "token" in answer, (name, answer)
        opens(azure, "USER_ASSIGNED" if name.endswith("user") else "SYSTEM", answer["token"])


@pytest.mark.parametrize("command", [GO, JAVA], ids=["azidentity", "msal4j"])
def test_go_and_java(azure, agent, command):
    opens(azure, "SYSTEM", run(azure, agent, command).strip())
    user = azure["ENTRAKEY_EMULATOR_USER_ASSIGNED_CLIENT_ID"]
    opens(azure, "USER_ASSIGNED", run(azure, agent, command, USER_ASSIGNED_CLIENT_ID=user).strip())


def test_our_own_library_takes_it_for_app_service(azure, agent):
    program = "import entrakey; print(entrakey.Provider(identity='managed_identity').get_token().secret)"
    opens(azure, "SYSTEM", run(azure, agent, [sys.executable, "-c", program]).strip())


def test_none_of_them_caused_a_request_to_entra(azure, agent):
    """Last: one request for each of the two identities, whatever was asked before."""
    assert azure.token_requests() == 2
