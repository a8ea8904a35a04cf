"""go-redis, Jedis and Lettuce: programs of tests/peers/go and tests/peers/java, built by scripts/build/peers.sh."""

import json
import pathlib
import subprocess
import urllib.parse
import urllib.request

import pytest

from entrakey.emulator import Emulator
from settings import IDENTITIES, RESOURCE

BUILT = pathlib.Path(__file__).resolve().parents[3] / "target/peers"
CLASSES = f"{BUILT}/java/classes:{BUILT}/java/dependency/*"
# The second option: where loopback is all there is, Netty finds no network card, and says so at length.
JAVA = ["java", "-XX:TieredStopAtLevel=1", "-Dio.netty.machineId=00:00:00:00:00:00:00:01", "-cp", CLASSES, "peers.Main"]
PROGRAMS = {"go-redis": [f"{BUILT}/go"], "Jedis": [*JAVA, "jedis"], "Lettuce": [*JAVA, "lettuce"]}
MODES = {"standalone": {}, "cluster": {"cluster_policy": "oss", "nodes": 3}}
LEAST = {"standalone": 400, "cluster": 1000}  # commands that a program is to have checked


def managed_identity_token(emulator):
    url = f"{emulator['AZURE_POD_IDENTITY_AUTHORITY_HOST']}/metadata/identity/oauth2/token"
    query = urllib.parse.urlencode({"api-version": "2018-02-01", "resource": RESOURCE})
    request = urllib.request.Request(f"{url}?{query}", headers={"Metadata": "true"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["access_token"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_client_of_another_language(name, mode):
    with Emulator.start(identities=IDENTITIES, **MODES[mode]) as emulator:
        object_id = emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]
        environment = emulator.process_environment(
            REDIS_USERNAME=object_id, REDIS_TOKEN=managed_identity_token(emulator)
        )
        done = subprocess.run(
            [*PROGRAMS[name], mode], env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert int(done.stdout) >= LEAST[mode]
        counts = emulator.connections(object_id)
        assert counts["commands"] >= LEAST[mode], "the commands went elsewhere"
