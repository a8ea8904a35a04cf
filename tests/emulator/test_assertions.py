"""Entra and those who prove who they are by what others say: pods and pipelines. (Certificates: emulator/tests.)"""

import pathlib

import pytest
from conftest import claims, decode

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def federated(emulator, assertion, client_id=None, **changes):
    client_id = client_id or emulator["ENTRAKEY_EMULATOR_FEDERATED_APP_CLIENT_ID"]
    form = {"client_assertion": assertion, "client_assertion_type": JWT_BEARER, **changes}
    return emulator.entra(client_id=client_id, client_secret=None, **form)


def minted(emulator, **changes):
    status, body = emulator.control("/emulator/federated_token", {"write": False, **changes})
    assert status == 200 and body["file"] is None, body
    return body["token"]


def test_the_token_file_of_a_workload_is_good_for_its_application(emulator):
    variables = emulator.env("workload_identity")
    assertion = pathlib.Path(variables["AZURE_FEDERATED_TOKEN_FILE"]).read_text()
    assert claims(assertion)["aud"] == ["api://AzureADTokenExchange"]
    status, body = federated(emulator, assertion, variables["AZURE_CLIENT_ID"])
    assert status == 200, body
    assert claims(body["access_token"])["oid"] == emulator["ENTRAKEY_EMULATOR_FEDERATED_APP_OBJECT_ID"]


def test_the_token_file_can_be_renewed_also_with_one_that_is_no_good(start):
    emulator = start("1h")
    file = pathlib.Path(emulator.env("workload_identity")["AZURE_FEDERATED_TOKEN_FILE"])
    first = file.read_text()
    status, body = emulator.control("/emulator/federated_token", {"lifetime_seconds": -10})
    assert status == 200 and body["file"] == str(file) and file.read_text() == body["token"] != first
    assert federated(emulator, file.read_text())[1]["error_codes"] == [700024]
    assert emulator.control("/emulator/federated_token", method="POST")[0] == 200
    assert federated(emulator, file.read_text())[0] == 200


@pytest.mark.parametrize(
    "changes, code, error",
    [
        ({"subject": "system:serviceaccount:other:workload"}, 700213, "invalid_request"),
        ({"issuer": "https://elsewhere.example"}, 700211, "invalid_request"),
        ({"audience": "https://elsewhere.example"}, 700212, "invalid_request"),
        ({"lifetime_seconds": -1}, 700024, "invalid_client"),
    ],
)
def test_who_is_not_registered_is_refused(emulator, changes, code, error):
    assertion = minted(emulator, **changes)
    _, body = federated(emulator, assertion)
    assert (body["error_codes"], body["error"]) == ([code], error)
    assert body["error_description"].startswith(f"AADSTS{code}: ") and body["correlation_id"] and body["trace_id"]
    assert assertion not in body["error_description"]


def test_a_changed_signature_another_app_and_junk_are_refused(emulator):
    assertion = minted(emulator)
    head, payload, signature = assertion.split(".")
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    assert federated(emulator, ".".join([head, payload, flipped]))[1]["error_codes"] == [700027]
    other = emulator["ENTRAKEY_EMULATOR_SERVICE_PRINCIPAL_CLIENT_ID"]
    assert federated(emulator, assertion, other)[1]["error_codes"] == [70025]
    assert federated(emulator, "junk")[1]["error_codes"] == [50027]
    assert federated(emulator, assertion, client_assertion_type="urn:other")[1]["error_codes"] == [900023]
    assert federated(emulator, assertion, client_assertion_type=None)[1]["error_codes"] == [900144]


def test_the_issuer_publishes_the_key_that_signs(emulator):
    assertion = minted(emulator)
    _, configuration = emulator.http(claims(assertion)["iss"] + "/.well-known/openid-configuration")
    assert configuration["issuer"] == claims(assertion)["iss"]
    _, keys = emulator.http(configuration["jwks_uri"])
    assert [key["kid"] for key in keys["keys"]] == [decode(assertion.split(".")[0])["kid"]]


@pytest.mark.parametrize(
    "changes, status, error, code",
    [
        ({"client_secret": None}, 401, "invalid_client", 7000218),
        ({"client_secret": "emulated-expired-secret~value"}, 401, "invalid_client", 7000222),
        ({"app": "DISABLED_APP"}, 400, "unauthorized_client", 7000112),
        ({"app": "CERTIFICATE_APP"}, 401, "invalid_client", 7000215),
    ],
)
def test_secrets_that_are_no_good(emulator, changes, status, error, code):
    if "app" in changes:
        changes = {"client_id": emulator[f"ENTRAKEY_EMULATOR_{changes['app']}_CLIENT_ID"]}
    answered, body = emulator.entra(**changes)
    assert (answered, body["error"], body["error_codes"]) == (status, error, [code])
    assert "emulated-expired-secret~value" not in body["error_description"]


def pipelines(emulator, connection=None, version="7.1", **headers):
    variables = emulator.env("azure_pipelines")
    connection = connection or variables["AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"]
    url = f"{variables['SYSTEM_OIDCREQUESTURI']}?api-version={version}&serviceConnectionId={connection}"
    authorization = {"Authorization": "Bearer " + variables["SYSTEM_ACCESSTOKEN"]}
    return emulator.http(url, headers={**authorization, **headers}, method="POST")


def test_a_pipelines_token_is_good_for_the_application_of_its_connection(emulator):
    status, body = pipelines(emulator)
    assert status == 200 and set(body) == {"oidcToken"}
    status, answer = federated(emulator, body["oidcToken"], emulator.env("azure_pipelines")["AZURESUBSCRIPTION_CLIENT_ID"])
    assert status == 200, answer


def test_pipelines_refusals(emulator):
    wrong = {"Authorization": "Bearer wrong"}
    assert pipelines(emulator, **wrong, **{"X-TFS-FedAuthRedirect": "Suppress"})[0] == 401
    assert pipelines(emulator, version="6.0")[0] == 400
    status, body = pipelines(emulator, connection="nothing")
    assert status == 404 and "service connection" in body["message"]


@pytest.mark.parametrize(
    "host", ["login.microsoftonline.com", "login.partner.microsoftonline.cn", "login.microsoftonline.us"]
)
def test_each_clouds_authority_describes_itself_by_its_own_name(emulator, host):
    base = f"{emulator['AZURE_AUTHORITY_HOST']}/{emulator['AZURE_TENANT_ID']}"
    _, configuration = emulator.http(base + "/v2.0/.well-known/openid-configuration", headers={"Host": host})
    assert configuration["token_endpoint"] == f"https://{host}/{emulator['AZURE_TENANT_ID']}/oauth2/v2.0/token"
    _, instance = emulator.http(base + "/discovery/instance", headers={"Host": host})
    assert instance["metadata"][0]["aliases"] == [host]
    _, own = emulator.http(base + "/v2.0/.well-known/openid-configuration", headers={"Host": "elsewhere.example"})
    assert own["token_endpoint"].startswith(emulator["AZURE_AUTHORITY_HOST"] + "/")


def test_an_unknown_tenant_is_not_described(emulator):
    path = "/v2.0/.well-known/openid-configuration"
    status, body = emulator.http(f"{emulator['AZURE_AUTHORITY_HOST']}/elsewhere{path}")
    assert (status, body["error"], body["error_codes"]) == (400, "invalid_tenant", [90002])
    assert emulator.http(f"{emulator['AZURE_AUTHORITY_HOST']}/organizations{path}")[0] == 200
