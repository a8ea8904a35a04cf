"""Users: for whom a lease can be and who has one, and those of the tenant from which the configuration's are picked."""

import os
import subprocess

import pytest
from running import wait_until
from services import ADA, ADA_NAME, MANAGER_PRINCIPAL, Installation, Leases, entrakey

from entrakey.emulator import Emulator

GRACE, GRACE_NAME = "99999999-0000-4000-8000-0000000000a2", "grace@emulated.example"
EVERYTHING = ("issue", "renew-own", "revoke", "list", "see-users")
MORE = f"""
[secrets.many]
kind = "user_password"
users = ["svc-c@emulated.example", "{GRACE_NAME}", "{ADA_NAME}", "SVC-b@emulated.example", "{ADA}"]
"""


@pytest.fixture(scope="module")
def azure():
    """Of its own: passwords are changed."""
    with Emulator.start(secret_delay="100ms") as emulator:
        yield emulator


@pytest.fixture(scope="module")
def leases(azure, tmp_path_factory):
    installation = Installation(azure, tmp_path_factory.mktemp("users"), installation="users")
    installation.config.write_text(installation.config.read_text().replace("[[clients]]", f"{MORE}[[clients]]"))
    with Leases(installation, token=installation.token("root", *EVERYTHING)) as leases:
        yield leases


def pages(leases, path, **query):
    """All of a list, two at a time."""
    found, cursor = [], None
    while True:
        words = {**query, "limit": 2} | ({"cursor": cursor} if cursor else {})
        status, page = leases("GET", f"{path}?{'&'.join(f'{name}={value}' for name, value in words.items())}")
        assert status == 200 and len(page["users"]) <= 2, page
        found, cursor = found + page["users"], page["next_cursor"]
        if cursor is None:
            return found


def test_whom_a_lease_can_be_for_is_listed_by_name_with_who_has_one(leases):
    many = "/v1/dynamic-secrets/many/users"
    names = [ADA, ADA_NAME, GRACE_NAME, "SVC-b@emulated.example", "svc-c@emulated.example"]
    assert [one["user"] for one in pages(leases, many)] == names
    assert [one["user"] for one in pages(leases, many, search="SVC-")] == names[3:]
    assert pages(leases, many, search="nobody") == [] and not any(one["is_taken"] for one in pages(leases, many))
    lease = leases.create("many", user=ADA_NAME.upper(), ttl="5m")
    assert lease["data"]["user"] == ADA_NAME and lease["data"]["object_id"] == ADA, "a name signs in, an object id does not"
    assert (lease["target"], lease["user_name"]) == (ADA, ADA_NAME)
    taken = {one["user"]: one["taken_until"] for one in pages(leases, many) if one["is_taken"]}
    assert taken == {ADA: lease["expires_at"], ADA_NAME: lease["expires_at"]}, "by either name it is the same user"
    listed = entrakey("lease", "list", env=leases.client_environment()).stdout
    assert listed.startswith(f"{lease['lease_id']}  user_password  {ADA_NAME}  token:root  ends in 4m"), listed
    assert "lock out" in str(leases.all_said()), "of passwords of users it is warned at the start"
    # Of another secret it is the same user too.
    other = leases("GET", "/v1/dynamic-secrets/user/users")[1]["users"]
    assert [one["is_taken"] for one in other] == [True]
    for secret, user in (("many", ADA), ("user", None)):
        said = leases.create(secret, expect=409, **({"user": user} if user else {}))["error"]
        assert (said["code"], said["lease_id"]) == ("in_use", lease["lease_id"]), "it is to be revoked, if need be"
    stranger = leases.installation.token("stranger", "issue")
    said = leases("POST", "/v1/leases", {"secret": "user"}, token=stranger)[1]["error"]
    assert said["code"] == "in_use" and "lease_id" not in said, said
    leases("DELETE", f"/v1/leases/{lease['lease_id']}")
    wait_until("it is free", lambda: not any(one["is_taken"] for one in pages(leases, many)))
    described = {one["name"]: (one["users"], one["user"]) for one in leases("GET", "/v1/dynamic-secrets")[1]["dynamic_secrets"]}
    assert described == {"app": (0, None), "access": (1, ADA), "user": (1, ADA), "many": (5, None)}


def test_the_tenants_users_are_shown_to_who_may_see_them_and_nothing_else_is_asked_of_graph(leases):
    tenant = "/v1/dynamic-secrets/many/tenant-users"
    found = pages(leases, tenant)
    by_id = {one["id"]: one for one in found}
    assert len(by_id) == len(found) >= 3
    assert by_id[GRACE] == {
        "id": GRACE, "display_name": "grace", "user_principal_name": GRACE_NAME, "entry": GRACE_NAME, "is_listed": True,
    }
    assert [one["id"] for one in pages(leases, tenant, search="GR")] == [GRACE]
    assert pages(leases, tenant, search="o'neil%20or") == []
    # A cache knows object ids only.
    access = leases("GET", "/v1/dynamic-secrets/access/tenant-users?search=grace")[1]["users"]
    assert [(one["entry"], one["is_listed"]) for one in access] == [(GRACE, False)]
    for cursor in ("x%26%24select%3DmobilePhone", "https%3A%2F%2Fgraph.microsoft.com%2Fv1.0%2Fme"):
        status, said = leases("GET", f"{tenant}?cursor={cursor}")
        assert (status, said["error"]["code"]) == (400, "bad_request"), said
    status, said = leases("GET", "/v1/dynamic-secrets/app/tenant-users")
    assert (status, said["error"]["code"]) == (400, "user_invalid"), said


def test_users_are_for_whom_the_roles_say(leases):
    installation = leases.installation
    issuer = installation.token("issuer", "issue", secrets="many")
    picker = installation.token("picker", "see-users", secrets="many")
    lister = installation.token("lister", "list", "revoke", secrets="*")
    for token, path, status in [
        (issuer, "many/users", 200), (issuer, "many/tenant-users", 403), (issuer, "user/users", 403),
        (picker, "many/users", 200), (picker, "many/tenant-users", 200), (picker, "nothing/users", 403),
        (lister, "many/users", 403), (lister, "many/tenant-users", 403),
    ]:
        assert leases("GET", f"/v1/dynamic-secrets/{path}", token=token)[0] == status, path
    assert leases("GET", "/v1/dynamic-secrets/nothing/users")[0] == 404
    assert leases("POST", "/v1/leases", {"secret": "many", "user": ADA_NAME}, token=picker)[0] == 403


def test_what_graph_does_not_show_is_said_with_what_to_do(azure, leases):
    grant = azure.control("GET", "/emulator/graph/grants")[MANAGER_PRINCIPAL]
    without = {**grant, "permissions": [one for one in grant["permissions"] if one != "User.Read.All"]}
    azure.control("PUT", f"/emulator/graph/grants/{MANAGER_PRINCIPAL}", without)
    try:
        for method, path, body in [
            ("GET", "/v1/dynamic-secrets/many/tenant-users", None),
            ("POST", "/v1/leases", {"secret": "many", "user": GRACE_NAME}),
        ]:
            status, said = leases(method, path, body)
            assert status == 503 and "User.Read.All" in said["error"]["message"], said
    finally:
        azure.control("PUT", f"/emulator/graph/grants/{MANAGER_PRINCIPAL}", grant)


def test_who_is_called_by_a_line_break_is_one_user(tmp_path):
    known = subprocess.run([os.environ["ENTRAKEY_BIN"], "emulator", "--show-identities"], capture_output=True, text=True, check=True)
    forged = f'name = "x\\n{GRACE}\\tadministrator@emulated.example\\tforged\\u001b[2J"'
    (people := tmp_path / "people.toml").write_text(f'{known.stdout}\n[[users]]\n{forged}\nobject_id = "{ADA[:-2]}ff"\nprincipal_name = "x@y"\n')
    with Emulator.start(identities=people) as emulator:
        installation = Installation(emulator, tmp_path)
        users = entrakey("leases", "users", "user", "--config-file", installation.config, env=installation.env)
    assert [line.count("\t") for line in users.stdout.splitlines()] == [2] * 5, users
    assert "x?99999999" in users.stdout and users.stdout.count(f"\n{GRACE}") == 1, users
