"""The agent's file is an identity of our own libraries, through a rotation."""

import subprocess
import sys

from agents import Agent
from running import PATIENCE_S, WITH_US

from entrakey.emulator import Emulator

# Its connections move to the next token, and it asks nobody for one.
PROGRAM = """
import sys, time, entrakey, redis, entrakey.redis
provider = entrakey.Provider.token_file(token_file_path=sys.argv[1])
client = redis.Redis(host=sys.argv[2], port=int(sys.argv[3]), ssl=True, ssl_ca_certs=sys.argv[4],
                     credential_provider=entrakey.redis.CredentialProvider(provider))
deadline = time.monotonic() + 60
while provider.version < 4 and time.monotonic() < deadline:
    assert client.ping()
    time.sleep(0.05)
print(provider.version)
"""


def test_token_file_follows_the_agent_and_asks_entra_for_nothing(folder):
    with Emulator.start(token_lifetime="12s") as azure:
        file = folder.with_name("redis.json")
        with Agent(azure, folder, "--token-file", file, "--no-app-service") as agent:
            agent.wait_for("was written to its file")
            where = [str(file), azure["REDIS_HOST"], azure["REDIS_PORT"], azure["REDIS_CA_FILE"]]
            command = [*WITH_US, sys.executable, "-c", PROGRAM, *where]
            done = subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE_S)
            assert done.returncode == 0 and int(done.stdout) >= 4, done.stdout + done.stderr
        seen = azure.connections(azure["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"])
        assert seen["expired"] == 0, seen
