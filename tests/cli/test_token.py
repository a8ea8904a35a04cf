"""`entrakey token` as typed."""

import base64
import datetime
import json
import subprocess
import time

import pytest
from conftest import BINARY, WITH_US, Terminal, run

JWT = r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+"


def payload(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_the_token_alone_is_on_standard_output(emulator, env):
    ended = run("token", env=env)
    assert ended.returncode == 0 and ended.stderr == "", ended
    (token,) = ended.stdout.splitlines()
    assert payload(token)["oid"] == emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]


def test_json_has_what_az_and_a_redis_client_need(emulator, env):
    ended = run("token", "-o", "json", env=env)
    assert ended.returncode == 0, ended
    said = json.loads(ended.stdout)
    claims = payload(said["accessToken"])
    assert said["username"] == claims["oid"] and said["tenant"] == claims["tid"]
    assert abs(said["expires_on"] - time.time() - 3600) < 120
    assert datetime.datetime.fromisoformat(said["expiresOn"].replace("Z", "+00:00")).timestamp() == said["expires_on"]


def test_a_shell_takes_the_lines_and_redis_cli_connects_by_them(emulator, env):
    script = """eval "$("$0" token -o env)" && test "$REDIS_PASSWORD" = "$REDISCLI_AUTH" &&
        redis-cli --tls --cacert "$REDIS_CA_FILE" -h "$REDIS_HOST" -p "$REDIS_PORT" --user "$REDIS_USERNAME" --no-auth-warning PING"""
    ended = subprocess.run(["sh", "-c", script, BINARY], env=env, capture_output=True, text=True, timeout=60)
    assert ended.stdout == "PONG\n", ended


def test_claims_are_without_the_signature(emulator, env):
    ended = run("token", "--claims", env=env)
    claims = json.loads(ended.stdout)
    assert claims["oid"] == emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]
    assert "eyJ" not in ended.stdout


def test_a_terminal_gets_it_too_as_from_az(env):
    with Terminal(*WITH_US, BINARY, "token", env=env) as terminal:
        terminal.wait_for(JWT)
        assert terminal.ended() == 0


@pytest.mark.parametrize(
    "options, variables, code, says",
    [
        (["--identity", "nobody"], {}, 2, "nobody"),
        (["--identity", "service_principal"], {"AZURE_CLIENT_SECRET": ""}, 2, "client_secret"),
        (["--identity", "managed_identity", "--client-id", "00000000-0000-0000-0000-00000000dead"], {}, 3, "managed"),
        (["--client-secret", "wrong"], {}, 4, "AADSTS7000215"),
        (["--authority-host", "https://127.0.0.1:1", "--get-token-timeout-ms", "2000"], {}, 5, "127.0.0.1:1"),
    ],
)
def test_each_kind_of_failure_has_its_exit_code_and_says_what_to_do(secret_env, options, variables, code, says):
    ended = run("token", *options, env={**secret_env, **variables})
    assert ended.returncode == code and ended.stdout == "" and says in ended.stderr, ended
    assert ended.stderr.startswith(("entrakey token: ", "error: ")), ended.stderr
    assert "next attempt" not in ended.stderr, "the command has ended: there is none"


def test_a_secret_that_is_typed_is_used_and_told_to_be_visible(secret_env):
    secret = secret_env.pop("AZURE_CLIENT_SECRET")
    ended = run("token", "--client-secret", secret, env=secret_env)
    assert ended.returncode == 0 and "--client-secret" in ended.stderr and secret not in ended.stderr, ended
    assert "ENTRAKEY_CLIENT_SECRET" in ended.stderr, "what to do"


@pytest.mark.parametrize("url, is_told", [("http://user:hunter2@127.0.0.1:1", True), ("http://127.0.0.1:1", False)])
def test_a_proxy_with_a_user_in_its_url_is_told_to_be_visible(env, url, is_told):
    ended = run("token", "--proxy", url, env=env)  # managed identities are asked through none
    assert ended.returncode == 0 and "hunter2" not in ended.stderr, ended
    assert ("--proxy" in ended.stderr and "ENTRAKEY_PROXY" in ended.stderr) == is_told, ended
