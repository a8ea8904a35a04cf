"""The token plane: shapes of answers and refusals."""

import pytest
from conftest import claims, decode


def test_a_managed_identity_answer_has_strings_only(emulator):
    status, body = emulator.imds()
    assert status == 200 and all(isinstance(value, str) for value in body.values())
    assert set(body) >= {"access_token", "expires_in", "expires_on", "not_before", "resource", "token_type"}
    token = claims(body["access_token"])
    assert token["oid"] == emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]
    assert token["aud"] == "https://redis.azure.com" and token["tid"] == emulator["AZURE_TENANT_ID"]
    assert int(body["expires_on"]) == token["exp"] == token["iat"] + 3600
    assert 1200 < len(body["access_token"]) < 2000


@pytest.mark.parametrize("parameter, id", [("client_id", "CLIENT"), ("object_id", "OBJECT"), ("msi_res_id", "RESOURCE")])
def test_a_user_assigned_identity_by_each_id(emulator, parameter, id):
    token = emulator.token(f"&{parameter}=" + emulator[f"ENTRAKEY_EMULATOR_USER_ASSIGNED_{id}_ID"])
    assert claims(token)["oid"] == emulator["ENTRAKEY_EMULATOR_USER_ASSIGNED_OBJECT_ID"]


@pytest.mark.parametrize(
    "arguments, error, says",
    [
        ({"headers": {}}, "bad_request_102", "Required metadata header"),
        ({"headers": {"Metadata": "true", "X-Forwarded-For": "1.2.3.4"}}, "bad_request_103", "X-Forwarded-For"),
        ({"version": ""}, "Bad request", "api-version"),
        ({"resource": ""}, "invalid_resource", "AADSTS50001"),
        ({"query": "&client_id=nobody"}, "invalid_request", "Identity not found"),
        ({"query": "&client_id=a&client_id=b"}, "invalid_request", "more than once"),
        ({"query": "&client_id=a&object_id=b"}, "invalid_request", "More than one"),
    ],
)
def test_managed_identity_refusals(emulator, arguments, error, says):
    status, body = emulator.imds(**arguments)
    assert status == 400 and body["error"] == error and says in body["error_description"]


def test_entra_answers_numbers_and_both_scopes(emulator):
    for scope, audience in [
        ("https://redis.azure.com/.default", "https://redis.azure.com"),
        ("acca5fbb-b7e4-4009-81f1-37e38fd66d78/.default", "acca5fbb-b7e4-4009-81f1-37e38fd66d78"),
    ]:
        status, body = emulator.entra(scope=scope)
        assert status == 200 and body["token_type"] == "Bearer" and body["expires_in"] == 3600
        assert claims(body["access_token"])["aud"] == audience


@pytest.mark.parametrize(
    "arguments, status, error, code",
    [
        ({"client_secret": "not-the-secret"}, 401, "invalid_client", 7000215),
        ({"client_id": "nobody"}, 400, "unauthorized_client", 700016),
        ({"tenant": "elsewhere"}, 400, "invalid_request", 90002),
        ({"scope": "https://redis.azure.com"}, 400, "invalid_scope", 1002012),
        ({"scope": "https://elsewhere/.default"}, 400, "invalid_resource", 500011),
        ({"scope": "a b"}, 400, "invalid_scope", 70011),
        ({"scope": None}, 400, "invalid_request", 900144),
        ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type", 70003),
    ],
)
def test_entra_refusals_have_real_bodies(emulator, arguments, status, error, code):
    answered, body = emulator.entra(**arguments)
    assert (answered, body["error"], body["error_codes"]) == (status, error, [code])
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    assert body["correlation_id"] in body["error_description"] and body["trace_id"] and body["timestamp"]
    assert "not-the-secret" not in body["error_description"]


def test_discovery_names_the_keys_that_sign(emulator):
    base = f"{emulator['AZURE_AUTHORITY_HOST']}/{emulator['AZURE_TENANT_ID']}"
    _, configuration = emulator.http(base + "/v2.0/.well-known/openid-configuration")
    _, keys = emulator.http(configuration["jwks_uri"])
    header = decode(emulator.token().split(".")[0])
    assert header["alg"] == "RS256" and header["kid"] in [key["kid"] for key in keys["keys"]]
