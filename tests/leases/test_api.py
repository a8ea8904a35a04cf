"""The API: who may do what, pages, refusals; OpenAPI says what there is."""

import concurrent.futures
import http.client
import json
import ssl
import subprocess

import pytest
from running import PATIENCE_S, wait_until
from services import Installation, Leases, OverUnix, asked, entrakey

from entrakey.emulator import Emulator

EVERYTHING = ("issue", "renew-own", "revoke", "list", "see-users")


@pytest.fixture(scope="module")
def installation(emulator, tmp_path_factory):
    return Installation(emulator, tmp_path_factory.mktemp("api"), installation="api", most=4)


@pytest.fixture(scope="module")
def leases(installation):
    socket = installation.folder / "leases.sock"
    with Leases(installation, "--socket", socket, token=installation.token("root", *EVERYTHING)) as leases:
        yield leases


def refused(answer):
    status, body = answer
    assert body["error"]["message"].endswith("."), body
    return status, body["error"]["code"]


def test_every_route_of_openapi_wants_to_know_who_asks_and_others_are_none(installation, leases):
    described = json.loads(installation_openapi(installation))
    served = leases("GET", "/v1/openapi.json", Authorization="")[1]
    assert served == described
    routes = {(method, path) for path, methods in described["paths"].items() for method in methods}
    assert {
        ("post", "/v1/leases"), ("get", "/v1/leases"), ("get", "/v1/leases/{id}"), ("delete", "/v1/leases/{id}"),
        ("post", "/v1/leases/{id}/renew"), ("post", "/v1/leases/{id}/revoke"), ("get", "/v1/dynamic-secrets"),
        ("get", "/v1/audit"), ("get", "/v1/dynamic-secrets/{name}/users"), ("get", "/v1/dynamic-secrets/{name}/tenant-users"),
    } <= routes
    for path in described["paths"]:
        at = path.replace("{id}", "nothing").replace("{name}", "nothing")
        for method in ("get", "post", "put", "patch", "delete"):
            answer = leases(method.upper(), at, token="ekl_wrong")
            if path == "/v1/openapi.json":
                assert answer[0] == (200 if method == "get" else 405), (method, path)
                continue
            assert refused(answer) == (401, "unauthorized"), (method, path)
            with_token = leases(method.upper(), at)
            if (method, path) in routes:
                assert with_token[0] in (200, 204, 400, 404), (method, path, with_token)
                documented = described["paths"][path][method]["responses"]
                assert str(with_token[0]) in documented, (method, path, with_token)
            else:
                assert with_token[0] == 405, (method, path, with_token)
    assert refused(leases("GET", "/v1/nothing")) == (404, "not_found")


def installation_openapi(installation):
    ended = entrakey("leases", "openapi", env=installation.env)
    assert ended.returncode == 0
    return ended.stdout


def test_what_is_asked_wrongly_is_refused_with_what_is_right(leases):
    for body, refusal in [
        ({"secret": "app", "ttl": "0"}, (400, "ttl_invalid")),
        ({"secret": "app", "ttl": 0}, (400, "ttl_invalid")),
        ({"secret": "app", "ttl": -1}, (400, "bad_request")),
        ({"secret": "app", "ttl": "1h 500ms"}, (400, "ttl_invalid")),
        ({"secret": "app", "ttl": "99999999999999999999"}, (400, "ttl_invalid")),
        ({"secret": "app", "ttl": "3h"}, (400, "ttl_exceeds_max")),
        ({"secret": "app", "user": "ada"}, (400, "user_invalid")),
        ({"secret": "user", "user": "nobody"}, (400, "user_invalid")),
        ({"secret": "nothing"}, (404, "not_found")),
        ({"secret": "app", "tll": "1h"}, (400, "bad_request")),
        ({}, (400, "bad_request")),
    ]:
        assert refused(leases("POST", "/v1/leases", body)) == refusal, body
    for ttl in (-1, 1.5, ["1h"], "soon"):
        said = leases("POST", "/v1/leases", {"secret": "app", "ttl": ttl})[1]["error"]["message"]
        assert "1h30m" in said and "enum" not in said, said
    for path in ("/v1/leases/%ff", "/v1/leases/%ff/renew", "/v1/dynamic-secrets/%ff/users", "/v1/dynamic-secrets/%ff/tenant-users"):
        assert refused(leases("POST" if path.endswith("renew") else "GET", path)) == (404, "not_found"), path
    for path in ("?limit=x", "?cursor=x", "?state=dead", "?colour=red"):
        assert refused(leases("GET", f"/v1/leases{path}")) == (400, "bad_request"), path
    assert leases("GET", "/v1/leases?limit=100000")[0] == 200, "more than there may be is as many as there may be"
    assert refused(leases("POST", "/v1/leases", {"secret": "app"}, Idempotency_Key="k" * 256)) == (400, "bad_request")
    assert leases("POST", "/v1/leases", {"secret": "x" * 20_000})[0] == 413
    assert leases.headers["Cache-Control"] == "no-store"


def test_everybody_may_do_what_its_roles_say_and_no_more(installation, leases):
    issuer = installation.token("issuer", "issue", secrets="app")
    lister = installation.token("lister", "list", secrets="app")
    revoker = installation.token("revoker", "revoke", secrets="app")
    stranger = installation.token("stranger", "list", secrets="user")
    wanted = {"secret": "app", "ttl": "5m"}
    lease = leases("POST", "/v1/leases", wanted, token=issuer)[1]["lease_id"]
    one = f"/v1/leases/{lease}"
    assert leases("GET", one, token=issuer)[1]["may_revoke"] is True
    for token in (lister, revoker):
        assert refused(leases("POST", "/v1/leases", wanted, token=token)) == (403, "forbidden")
        assert leases("GET", one, token=token)[0] == 200
        assert refused(leases("POST", f"{one}/renew", token=token)) == (403, "forbidden")
    assert refused(leases("GET", one, token=stranger)) == (404, "not_found")
    assert refused(leases("DELETE", one, token=stranger)) == (404, "not_found")
    assert leases("GET", "/v1/leases", token=stranger)[1]["leases"] == []
    assert leases("GET", "/v1/audit", token=stranger)[1]["audit"] == []
    assert leases("GET", "/v1/audit", token=issuer)[1]["audit"] == []
    assert refused(leases("POST", f"{one}/renew", token=issuer)) == (403, "forbidden"), "it has no renew-own"
    assert refused(leases("DELETE", one, token=lister)) == (403, "forbidden")
    names = [one["name"] for one in leases("GET", "/v1/dynamic-secrets", token=lister)[1]["dynamic_secrets"]]
    assert names == ["app"]
    assert leases("DELETE", one, token=revoker)[1]["state"] == "revoked"
    assert {row["actor"] for row in leases("GET", f"/v1/audit?lease_id={lease}", token=lister)[1]["audit"]} == {
        "token:issuer", "token:revoker", "service",
    }
    own = leases("POST", "/v1/leases", wanted, token=issuer)[1]["lease_id"]
    assert leases("DELETE", f"/v1/leases/{own}", token=issuer)[1]["state"] == "revoked", "whoever has made it"
    installation.order("leases", "token", "revoke", "issuer")
    assert refused(leases("POST", "/v1/leases", wanted, token=issuer)) == (401, "unauthorized")
    ended = installation.order("leases", "token", "create", "brief", "--role", "list", "--secret", "app", "--ttl", "1s").strip()
    assert "brief: list of app, until 20" in installation.tokens_listed()
    while leases("GET", "/v1/leases", token=ended)[0] == 200:
        pass
    assert refused(leases("GET", "/v1/leases", token=ended)) == (401, "unauthorized")


def test_a_user_of_the_unix_socket_is_who_the_system_says(installation, leases):
    def of_socket(method, path, body=None, **headers):
        status, _, answer = asked(OverUnix(installation.folder / "leases.sock"), method, path, body, **headers)
        return status, answer

    assert of_socket("GET", "/v1/me")[1]["name"].startswith("unix:here:")
    lease = of_socket("POST", "/v1/leases", {"secret": "app", "ttl": "5m"})[1]["lease_id"]
    assert refused(of_socket("POST", "/v1/leases", {"secret": "user"})) == (403, "forbidden")
    assert of_socket("DELETE", f"/v1/leases/{lease}")[1]["state"] == "revoked"
    assert refused(of_socket("GET", "/v1/me", Origin="https://evil.example")) == (403, "forbidden")
    assert of_socket("GET", "/v1/me", Authorization=f"Bearer {leases.token}")[1]["name"] == "token:root"
    env = {**installation.env, "ENTRAKEY_LEASES_SOCKET": str(installation.folder / "leases.sock")}
    listed = entrakey("lease", "list", env=env)
    assert listed.returncode == 0 and "There are no leases." in listed.stdout, listed
    if installation.env.get("USER") != "nobody":
        asking = ["setpriv", "--reuid", "65534", "--clear-groups", "curl", "-s", "--unix-socket", env["ENTRAKEY_LEASES_SOCKET"]]
        said = subprocess.run([*asking, "http://localhost/v1/me"], capture_output=True, text=True).stdout
        assert said == "" or json.loads(said)["error"]["code"] == "forbidden", said


def test_there_are_as_many_as_there_may_be_and_a_key_is_used_once(leases):
    with concurrent.futures.ThreadPoolExecutor(8) as all_at_once:
        answers = list(all_at_once.map(lambda _: leases("POST", "/v1/leases", {"secret": "app", "ttl": "5m"}), range(8)))
    made = [body["lease_id"] for status, body in answers if status == 201]
    assert len(made) == 4 and {body["error"]["code"] for status, body in answers if status != 201} == {"lease_limit"}
    assert refused(leases("POST", "/v1/leases", {"secret": "app"})) == (429, "lease_limit")
    assert int(leases.headers["Retry-After"]) > 0
    paged, cursor = [], ""
    while cursor is not None:
        page = leases("GET", f"/v1/leases?limit=3&state=active{cursor and f'&cursor={cursor}'}")[1]
        paged, cursor = paged + [one["lease_id"] for one in page["leases"]], page["next_cursor"]
    assert sorted(paged) == sorted(made) and len(set(paged)) == 4
    for lease in made:
        assert leases("DELETE", f"/v1/leases/{lease}")[1]["state"] == "revoked"
    first = leases.create(key="the same")
    again = leases.create(key="the same", expect=409)["error"]
    assert (again["code"], again["lease_id"]) == ("idempotency_key_used", first["lease_id"])
    leases("DELETE", f"/v1/leases/{first['lease_id']}")
    assert leases.create(key="the same", expect=409)["error"]["lease_id"] == first["lease_id"], "also afterwards"


def test_beyond_this_machine_it_takes_tls(installation, tmp_path):
    args = ["leases", "serve", "--config-file", installation.config, "--database", tmp_path / "x.db", "--port", "0"]
    exposed = entrakey(*args, "--address", "0.0.0.0", env=installation.env)
    assert exposed.returncode == 2 and "--tls-certificate" in exposed.stderr, exposed
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
    files = [tmp_path / "tls.key", tmp_path / "tls.crt"]
    def make():
        subprocess.run([*made, *name, "-keyout", files[0], "-out", files[1]], check=True, capture_output=True)

    make()
    other = Installation(installation.emulator, tmp_path, installation="tls")
    token = other.token("root", *EVERYTHING)
    with Leases(other, "--tls-key", files[0], "--tls-certificate", files[1], token=token) as leases:
        context = ssl.create_default_context(cafile=str(files[1]))
        connection = http.client.HTTPSConnection("127.0.0.1", leases.port, timeout=PATIENCE_S, context=context)
        assert asked(connection, "GET", "/v1/me", Authorization=f"Bearer {token}")[2]["name"] == "token:root"
        env = {**other.env, "ENTRAKEY_LEASES_TOKEN": token, "ENTRAKEY_CA_FILE": str(files[1])}
        listed = entrakey("lease", "list", "--url", f"https://localhost:{leases.port}", env=env)
        assert listed.returncode == 0, listed
        make()
        shown = lambda: ssl.get_server_certificate(("127.0.0.1", leases.port), timeout=PATIENCE_S)  # noqa: E731
        renewed = ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(files[1].read_text()))
        wait_until("the renewed certificate is shown", lambda: shown() == renewed)
        leases.wait_for("clients are shown the renewed certificate")
    refused = entrakey("lease", "list", "--url", "http://leases.example", env=env)
    assert refused.returncode == 2 and "https://" in refused.stderr, refused


def test_with_a_clock_that_is_off_nothing_is_issued_and_what_is_there_is_ended(tmp_path):
    with Emulator.start(secret_delay="100ms") as emulator:
        installation = Installation(emulator, tmp_path, installation="clock")
        token = installation.token("root", *EVERYTHING)
        with Leases(installation, token=token) as leases:
            lease = leases.create(ttl="10m")
            emulator.control("POST", "/emulator/clock", {"advance_ms": 1_800_000})
            # Any answer of Azure's tells: this one too.
            leases("DELETE", f"/v1/leases/{leases.create(expect=201, ttl='10m')['lease_id']}")
            assert refused(leases("POST", "/v1/leases", {"secret": "app"})) == (503, "clock_is_off")
            # Its ten minutes are over by Azure's clock, whatever this machine's says.
            wait_until("it is ended", lambda: leases.lease(lease["lease_id"])["state"] == "revoked")
