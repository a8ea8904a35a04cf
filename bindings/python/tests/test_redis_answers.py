"""What servers may answer to the AUTH of an open connection, and what becomes of the connection."""

import asyncio
import socketserver
import threading
import time

import pytest
from conftest import tried
import redis
import redis.asyncio

import entrakey
from entrakey.redis._authentication import is_open
from entrakey.redis._connection import link_of
from entrakey.redis import CredentialProvider


class Server(socketserver.StreamRequestHandler):
    """Says what it was told to the next AUTH with the word "newer", and OK to everything else."""

    answers: list = []

    def handle(self):
        try:
            while header := self.rfile.readline():
                words = []
                for _ in range(int(header[1:])):
                    length = int(self.rfile.readline()[1:])
                    words.append(self.rfile.read(length + 2)[:-2])
                newer = words[0] == b"AUTH" and words[-1] == b"newer" and self.answers
                self.wfile.write(self.answers.pop().encode() + b"\r\n" if newer else b"+OK\r\n")
        except ConnectionError:
            pass


@pytest.fixture
def address():
    Server.answers = []
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Server) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {"host": "127.0.0.1", "port": server.server_address[1], "protocol": 2}
        server.shutdown()


@pytest.fixture
def credentials():
    with entrakey.Provider(token_callback=lambda: ("older", time.time() + 3600), username="me") as provider:
        yield CredentialProvider(provider)


def announce(credentials):
    newer = type(credentials.get_credentials())(("me", "newer"))
    newer.version, newer.expires_on = 2, time.time() + 3600
    credentials._announced = newer


REFUSALS = [
    "-WRONGPASS invalid username-password pair or user is disabled.",
    "-ERR WRONGPASS invalid username-password pair",
]
NOTHING_OF_THE_TOKEN = [
    "-LOADING Redis is loading the dataset in memory",
    "-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
    "-READONLY You can't write against a read only replica.",
    "-ERR max number of clients reached",
]


def judge(answer, connection, credentials):
    rejections = credentials._provider.status()["counters"]["auth_rejections"]
    if answer in REFUSALS:  # it goes on with the token that it had
        assert tried(link_of(connection)) == 2 and is_open(connection) and sum(rejections.values()) == 1
    else:  # its next user connects anew
        assert not is_open(connection) and rejections == {}


@pytest.mark.parametrize("answer", REFUSALS + NOTHING_OF_THE_TOKEN)
def test_only_a_verdict_on_the_token_is_a_refusal(address, credentials, answer):
    client = redis.Redis(**address, credential_provider=credentials)
    client.set("key", "value")
    (connection,) = client.connection_pool._available_connections
    Server.answers.append(answer)
    announce(credentials)
    assert client.set("key", "value")
    judge(answer, connection, credentials)
    assert client.set("key", "value")
    client.close()


@pytest.mark.parametrize("answer", REFUSALS + NOTHING_OF_THE_TOKEN)
def test_in_asyncio_too_only_a_verdict_on_the_token_is_a_refusal(address, credentials, answer):
    async def main():
        client = redis.asyncio.Redis(**address, credential_provider=credentials)
        await client.set("key", "value")
        (connection,) = client.connection_pool._available_connections
        Server.answers.append(answer)
        announce(credentials)
        assert await client.set("key", "value")
        judge(answer, connection, credentials)
        assert await client.set("key", "value")
        await client.aclose()

    asyncio.run(main())
