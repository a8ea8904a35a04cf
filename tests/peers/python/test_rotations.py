"""Stock libraries hold one connection each through several tokens, all at the same time.

What a client says is not believed: the emulator counted the connections, the AUTHs and who was dropped.
"""

import json
import pathlib
import subprocess
import sys
import time

import pytest

from entrakey.emulator import Emulator
from settings import IDENTITIES

LIFETIME = "6s"
ENOUGH_AUTHS = 5  # the first and four more, at half of each token's life: twice a lifetime
LIMIT_S = 60  # 13 on an idle machine
NODES = 3
TOPOLOGY = 2  # connections that redis-py asks for the cluster's topology, once, before it has one to each node
PROGRAM = pathlib.Path(__file__).with_name("hold.py")
WHO = {
    "SYSTEM": "redis-entraid, managed identity",
    "USER_ASSIGNED": "redis-entraid, user-assigned managed identity",
    "SECRET_APP": "redis-entraid on msal, secret",
    "CERTIFICATE_APP": "redis-entraid on msal, certificate",
    "SECOND_USER_ASSIGNED": "azure-identity, managed identity",
    "FEDERATED_APP": "azure-identity, workload identity",
    "THIRD_USER_ASSIGNED": "redis-entraid, asyncio",
    "SECOND_SECRET_APP": "redis-entraid, cluster",
}
IN_CLUSTER = {"SECOND_SECRET_APP"}
ENVIRONMENTS = ("default", "client_secret", "client_certificate", "workload_identity")


def connections(who):
    """One; in a cluster one to each node, after those that ask for its topology."""
    return TOPOLOGY + NODES if who in IN_CLUSTER else 1


def enough_auths(who):
    """For all connections together; one that was not re-authenticated would be counted as expired."""
    return TOPOLOGY + NODES * ENOUGH_AUTHS if who in IN_CLUSTER else ENOUGH_AUTHS


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """The emulators' counts by identity, and the errors of those that failed, once everybody has seen enough."""
    common = {"token_lifetime": LIFETIME, "identities": IDENTITIES}
    with Emulator.start(**common) as emulator, Emulator.start(**common, cluster_policy="oss", nodes=NODES) as cluster:
        both = (emulator, cluster)
        authorities = tmp_path_factory.mktemp("tls") / "ca.pem"
        authorities.write_text("".join(pathlib.Path(one["REDIS_CA_FILE"]).read_text() for one in both))
        environments = [{name: one.env(name) for name in ENVIRONMENTS} for one in both]
        environment = emulator.process_environment(REQUESTS_CA_BUNDLE=str(authorities), PEERS=json.dumps(environments))
        with subprocess.Popen(
            [sys.executable, PROGRAM], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as program:
            try:
                counts, end = {}, time.monotonic() + LIMIT_S
                while time.monotonic() < end and program.poll() is None:
                    for who in WHO:
                        where = cluster if who in IN_CLUSTER else emulator
                        counts[who] = where.connections(where[f"ENTRAKEY_EMULATOR_{who}_OBJECT_ID"])
                    if all(counts[who]["auths"] >= enough_auths(who) for who in WHO):
                        break
                    time.sleep(0.1)
                said, _ = program.communicate(timeout=LIMIT_S)
            finally:
                program.kill()
        yield {**json.loads(said), "counts": counts}


@pytest.mark.parametrize("who", WHO, ids=WHO.values())
def test_one_connection_outlives_its_tokens(outcome, who):
    assert outcome["errors"].get(who) is None
    counts = outcome["counts"][who]
    assert counts["auths"] >= enough_auths(who), counts
    assert (counts["connections"], counts["expired"]) == (connections(who), 0), counts
    assert counts["commands"] > 50, counts


def test_nothing_left_loopback(outcome):
    assert outcome["refused"] == []
