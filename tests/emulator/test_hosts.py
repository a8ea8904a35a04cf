"""The managed identity endpoints of the hosting environments: what they want, and how they refuse."""

import hashlib
import json
import pathlib
import ssl
import urllib.error
import urllib.request

import pytest
from conftest import claims

RESOURCE = "&resource=https://redis.azure.com"


def get(url, headers, context=None):
    """Status, headers and parsed body."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10, context=context) as answer:
            return answer.status, answer.headers, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, error.headers, json.loads(error.read() or b"null")


def app_service(emulator, query=RESOURCE, version="2019-08-01", secret=None):
    variables = emulator.env("app_service")
    header = {"X-IDENTITY-HEADER": variables["IDENTITY_HEADER"] if secret is None else secret}
    return get(f"{variables['IDENTITY_ENDPOINT']}?api-version={version}{query}", header)


def test_app_service_answers_with_an_expiry_as_text_and_no_lifetime(emulator):
    status, _, body = app_service(emulator)
    assert status == 200 and set(body) == {"access_token", "client_id", "expires_on", "resource", "token_type"}
    token = claims(body["access_token"])
    assert body["expires_on"] == str(token["exp"]) and token["oid"] == emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]


@pytest.mark.parametrize(
    "parameter, id",
    [("client_id", "CLIENT"), ("object_id", "OBJECT"), ("principal_id", "OBJECT"), ("mi_res_id", "RESOURCE")],
)
def test_app_service_knows_user_assigned_identities_by_each_id(emulator, parameter, id):
    value = emulator[f"ENTRAKEY_EMULATOR_USER_ASSIGNED_{id}_ID"]
    status, _, body = app_service(emulator, f"{RESOURCE}&{parameter}={value}")
    assert status == 200, body
    assert claims(body["access_token"])["oid"] == emulator["ENTRAKEY_EMULATOR_USER_ASSIGNED_OBJECT_ID"]


@pytest.mark.parametrize(
    "arguments, status, says",
    [
        ({"secret": ""}, 401, "secret"),
        ({"secret": "wrong"}, 401, "secret"),
        ({"version": "2017-09-01"}, 400, "api-version"),
        ({"query": ""}, 400, "resource"),
        ({"query": RESOURCE + "&client_id=nobody"}, 400, "No User Assigned or Delegated Managed Identity"),
        ({"query": RESOURCE + "&client_id=a&mi_res_id=b"}, 400, "Only one"),
        ({"query": RESOURCE + RESOURCE}, 400, "more than once"),
    ],
)
def test_app_service_refusals(emulator, arguments, status, says):
    answered, _, body = app_service(emulator, **arguments)
    assert (answered, body["statusCode"]) == (status, status) and says in body["message"]


def azure_ml(emulator, query=RESOURCE, version="2017-09-01", secret=None):
    variables = emulator.env("azure_ml")
    header = {"secret": variables["MSI_SECRET"] if secret is None else secret}
    return get(f"{variables['MSI_ENDPOINT']}?api-version={version}{query}", header)


def test_azure_ml_knows_identities_by_clientid_only(emulator):
    other = emulator["ENTRAKEY_EMULATOR_USER_ASSIGNED_CLIENT_ID"]
    own = emulator.env("azure_ml")["DEFAULT_IDENTITY_CLIENT_ID"]
    cases = {"": "USER", "&client_id=" + other: "USER", "&clientid=" + own: "SYSTEM", "&clientid=" + other: "USER_ASSIGNED"}
    for query, name in cases.items():
        status, _, body = azure_ml(emulator, RESOURCE + query)
        assert status == 200 and isinstance(body["expires_on"], str)
        assert claims(body["access_token"])["oid"] == emulator[f"ENTRAKEY_EMULATOR_{name}_OBJECT_ID"], query


@pytest.mark.parametrize("arguments, status", [({"secret": "wrong"}, 401), ({"version": "2019-08-01"}, 400)])
def test_azure_ml_refusals(emulator, arguments, status):
    answered, _, body = azure_ml(emulator, **arguments)
    assert (answered, body["statusCode"]) == (status, status)


def test_no_endpoint_has_a_token_for_a_resource_that_does_not_exist(emulator):
    nobody = "&resource=https://nobody.example"
    status, body = emulator.imds(resource="https://nobody.example")
    assert (status, body["error"]) == (400, "invalid_resource") and "AADSTS500011" in body["error_description"]
    assert app_service(emulator, nobody)[0] == azure_ml(emulator, nobody)[0] == fabric(emulator, nobody)[0] == 500
    key = pathlib.Path(arc(emulator)[1]["WWW-Authenticate"].split("realm=")[1]).read_text()
    status, _, body = arc(emulator, nobody, Authorization="Basic " + key)
    assert status == 400 and "AADSTS500011" in body["error_description"]
    for resource in ["https://redis.azure.com/", "https://vault.azure.net", "https://management.azure.com"]:
        assert emulator.imds(resource=resource)[0] == 200


def arc(emulator, query=RESOURCE, **headers):
    url = emulator.env("arc")["IDENTITY_ENDPOINT"] + "?api-version=2020-06-01" + query
    return get(url, {"Metadata": "true", **headers})


def test_arc_gives_a_token_to_who_can_read_the_file_once(emulator):
    status, headers, body = arc(emulator)
    assert status == 401 and body["error"] == "unauthorized_client"
    scheme, realm = headers["WWW-Authenticate"].split("realm=")
    file = pathlib.Path(realm)
    assert scheme == "Basic " and file.suffix == ".key" and len(file.read_bytes()) <= 4096
    assert str(file.parent) == emulator.env("arc")["ENTRAKEY_EMULATOR_ARC_KEY_DIRECTORY"]
    authorization = {"Authorization": "Basic " + file.read_text()}
    status, _, body = arc(emulator, **authorization)
    assert status == 200 and isinstance(body["expires_in"], str)
    assert claims(body["access_token"])["oid"] == emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]
    assert not file.exists() and arc(emulator, **authorization)[0] == 403


def test_arc_refusals(emulator):
    assert arc(emulator, Metadata="")[0] == 400
    assert arc(emulator, Authorization="Basic wrong")[0] == 403
    status, headers, body = arc(emulator, RESOURCE + "&client_id=a")
    assert status == 400 and body["error"] == "invalid_request" and "WWW-Authenticate" not in headers


def test_arc_key_files_can_be_elsewhere_and_do_not_stay_there(start, tmp_path):
    emulator = start("1h", arc_key_folder=tmp_path)
    assert emulator.env("arc")["ENTRAKEY_EMULATOR_ARC_KEY_DIRECTORY"] == str(tmp_path)
    realm = arc(emulator)[1]["WWW-Authenticate"].split("realm=")[1]
    assert pathlib.Path(realm).parent == tmp_path
    arc(emulator, Authorization="Basic " + pathlib.Path(realm).read_text())
    assert list(tmp_path.iterdir()) == []


def cloud_shell(emulator, form, **headers):
    return emulator.http(emulator.env("cloud_shell")["MSI_ENDPOINT"], form, {"Metadata": "true", **headers})


def test_cloud_shell_takes_a_form_and_gives_the_users_token(emulator):
    status, body = cloud_shell(emulator, {"resource": "https://redis.azure.com"})
    assert status == 200 and all(isinstance(value, str) for value in body.values())
    token = claims(body["access_token"])
    assert token["oid"] == emulator["ENTRAKEY_EMULATOR_USER_OBJECT_ID"] and token["idtyp"] == "user"
    assert token["aud"] == "https://redis.azure.com" and body["expires_on"] == str(token["exp"])


@pytest.mark.parametrize("form, headers", [({}, {}), ({"resource": "x"}, {"Metadata": "no"})])
def test_cloud_shell_refusals(emulator, form, headers):
    status, body = cloud_shell(emulator, {"unused": "1", **form}, **headers)
    assert status == 400 and body["error"]["code"] and body["error"]["message"]


def fabric(emulator, query=RESOURCE, version="2019-07-01-preview", secret=None):
    variables = emulator.env("service_fabric")
    header = {"secret": variables["IDENTITY_HEADER"] if secret is None else secret}
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return get(f"{variables['IDENTITY_ENDPOINT']}?api-version={version}{query}", header, context)


def test_service_fabric_has_a_certificate_of_its_own_with_the_thumbprint_that_it_says(emulator):
    variables = emulator.env("service_fabric")
    host, port = variables["IDENTITY_ENDPOINT"].split("/")[2].split(":")
    der = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((host, int(port)), timeout=10))
    assert hashlib.sha1(der).hexdigest().upper() == variables["IDENTITY_SERVER_THUMBPRINT"]
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):  # its authority is nobody's
        get(variables["IDENTITY_ENDPOINT"], {}, emulator.tls)


def test_service_fabric_answers_with_a_number(emulator):
    status, _, body = fabric(emulator)
    assert status == 200 and set(body) == {"access_token", "expires_on", "resource", "token_type"}
    assert body["expires_on"] == claims(body["access_token"])["exp"]


@pytest.mark.parametrize(
    "arguments, status, code",
    [
        ({"secret": ""}, 400, "SecretHeaderNotFound"),
        ({"secret": "wrong"}, 404, "ManagedIdentityNotFound"),
        ({"version": "2020-05-01"}, 400, "InvalidApiVersion"),
        ({"query": ""}, 400, "ArgumentNullOrEmpty"),
    ],
)
def test_service_fabric_refusals(emulator, arguments, status, code):
    answered, _, body = fabric(emulator, **arguments)
    assert (answered, body["error"]["code"]) == (status, code) and body["error"]["correlationId"]


def test_several_user_assigned_identities_and_none_chosen(start, tmp_path):
    file = tmp_path / "who.json"
    managed = [
        {"name": f"m{n}", "kind": "user", "client_id": f"c{n}", "object_id": f"o{n}", "resource_id": f"/r/{n}"}
        for n in range(2)
    ]
    file.write_text(json.dumps({"tenant_id": "t", "managed_identities": managed}))
    emulator = start("1h", identities=file)
    status, body = emulator.imds()
    assert status == 400 and body["error_description"].startswith("Multiple user assigned identities exist")
    assert claims(emulator.token("&client_id=c1"))["oid"] == "o1"
    assert emulator.http(emulator["ENTRAKEY_EMULATOR_URL"] + "/emulator/environment/cloud_shell")[0] == 404


def test_every_endpoint_counts_its_requests(start):
    emulator = start("1h")
    emulator.imds(), app_service(emulator), azure_ml(emulator), arc(emulator), fabric(emulator), emulator.entra()
    cloud_shell(emulator, {"resource": "x"})
    by_route = emulator.stats()["token_requests"]["by_route"]
    names = ["imds", "app_service", "azure_ml", "arc", "service_fabric", "cloud_shell", "token"]
    assert by_route == dict.fromkeys(names, 1)


def test_a_running_emulator_gives_an_environment_as_lines_for_a_shell(emulator):
    url = emulator["ENTRAKEY_EMULATOR_URL"] + "/emulator/environment/"
    with urllib.request.urlopen(url + "azure_ml?format=shell", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    assert lines[0].startswith("unset ") and "IDENTITY_ENDPOINT" in lines[0].split()
    assert f"export MSI_SECRET='{emulator.env('azure_ml')['MSI_SECRET']}'" in lines
    status, body = emulator.http(url + "nowhere")
    assert status == 404 and "azure_ml" in body["error"]


def test_imds_takes_a_slash_at_the_end_of_its_path(emulator):
    url = emulator["AZURE_POD_IDENTITY_AUTHORITY_HOST"] + "/metadata/identity/oauth2/token/"
    status, body = emulator.http(url + "?api-version=2018-02-01&resource=https://redis.azure.com", headers={"Metadata": "true"})
    assert status == 200 and body["token_type"] == "Bearer"
