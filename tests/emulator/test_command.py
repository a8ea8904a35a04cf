"""`entrakey emulator` as typed."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import urllib.error
import urllib.request

import pytest
from conftest import BINARY, Endpoints, line_of

COMMAND = [BINARY, "emulator"]


@contextlib.contextmanager
def start(*options, **variables):
    """Unlike with Popen alone, a check that fails inside leaves no emulator for which somebody waits."""
    environment = {**os.environ, **variables}
    with subprocess.Popen(
        [*COMMAND, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def refusal(*options):
    """How it ends, and what it says, when it cannot start."""
    done = subprocess.run([*COMMAND, *options], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    return done.returncode, done.stderr


def test_it_prints_exports_that_a_shell_takes_and_removes_its_certificate_at_the_end():
    with start("--quiet") as process:
        line = ""
        while not line.startswith("export ENTRAKEY_CA_FILE="):
            line = line_of(process)
            assert re.fullmatch(r"export [A-Z_]+='[^']*'\n", line), line
        certificate = pathlib.Path(line.split("'")[1])
        assert certificate.read_text().startswith("-----BEGIN CERTIFICATE-----")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert not certificate.exists()


def test_it_ends_with_its_parent_if_asked_to():
    with start("--exit-with-parent", "--quiet") as process:
        assert line_of(process).startswith("export ")
        process.stdin.close()
        assert process.wait(10) == 0


def test_a_taken_port_and_a_bad_lifetime_are_one_sentence_each():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, said = refusal("--redis-port", str(taken.getsockname()[1]))
        assert code == 1 and "--redis-port" in said and said.count("\n") == 1, said
    code, said = refusal("--token-lifetime", "0")
    assert code == 2 and "at least" in said


def exports(process):
    """The lines that it prints, as a shell would understand them. The variables come first, then silence."""
    lines = [line_of(process)]
    while not lines[-1].startswith(("export AZURESUBSCRIPTION_SERVICE", "export IDENTITY_HEADER")):
        lines.append(line_of(process))
    return lines


def test_an_environment_comes_with_what_must_not_be_set_there():
    with start("--quiet", "--env", "app_service") as process:
        lines = exports(process)
        assert lines[0].startswith("unset ") and {"MSI_ENDPOINT", "IMDS_ENDPOINT"} <= set(lines[0].split())
        assert any(line.startswith("export IDENTITY_ENDPOINT='http://127.0.0.1:") for line in lines)
        script = "MSI_ENDPOINT=left; " + "".join(lines) + 'echo "$MSI_ENDPOINT|$IDENTITY_HEADER"'
        said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=20).stdout
        assert re.fullmatch(r"\|[0-9a-f]{32}\n", said), said


def test_all_environments_are_one_line_of_json():
    with start("--quiet", "--env", "all", "--format", "json", "--exit-with-parent") as process:
        environments = json.loads(line_of(process))
    assert set(environments) == {
        "default", "imds", "app_service", "azure_ml", "arc", "cloud_shell", "service_fabric",
        "client_secret", "client_certificate", "workload_identity", "azure_pipelines",
    }  # fmt: skip
    assert environments["client_secret"]["AZURE_CLIENT_ID"] == environments["default"]["AZURE_CLIENT_ID"]
    assert "IDENTITY_ENDPOINT" not in environments["imds"]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, None])
def test_its_folder_goes_with_it(end, tmp_path):
    with start("--quiet", "--format", "json", "--exit-with-parent", TMPDIR=str(tmp_path)) as process:
        folder = pathlib.Path(json.loads(line_of(process))["ENTRAKEY_EMULATOR_DIRECTORY"])
        assert folder.parent == tmp_path and (folder / "ca.pem").exists()
        process.stdin.close() if end is None else process.send_signal(end)
        assert process.wait(10) == 0
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_one_left_is_removed_by_the_next_and_a_running_ones_folder_is_not(tmp_path):
    def folder(process):
        return pathlib.Path(json.loads(line_of(process))["ENTRAKEY_EMULATOR_DIRECTORY"])

    options = ["--quiet", "--format", "json"]
    with start(*options, TMPDIR=str(tmp_path)) as running, start(*options, TMPDIR=str(tmp_path)) as killed:
        kept, left = folder(running), folder(killed)
        killed.kill()
        killed.wait(10)
        assert left.exists()
        with start(*options, TMPDIR=str(tmp_path)) as third:
            third_folder = folder(third)
            assert not left.exists() and kept.exists() and third_folder.exists()


def test_an_open_challenges_key_file_goes_too(tmp_path):
    with start("--format", "json", "--quiet", "--env", "arc", "--arc-key-folder", str(tmp_path)) as process:
        url = json.loads(line_of(process))["IDENTITY_ENDPOINT"] + "?api-version=2020-06-01&resource=x"
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(urllib.request.Request(url, headers={"Metadata": "true"}), timeout=10)
        assert len(list(tmp_path.iterdir())) == 1
        process.terminate()
        assert process.wait(10) == 0
    assert list(tmp_path.iterdir()) == []


def test_one_that_cannot_start_leaves_nothing(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with start("--fabric-port", str(taken.getsockname()[1]), TMPDIR=str(tmp_path)) as process:
            assert process.wait(20) == 1
    assert list(tmp_path.iterdir()) == []


def test_identities_come_from_a_file(tmp_path):
    file = tmp_path / "who.toml"
    file.write_text(
        "tenant_id = 'mine'\n[[managed_identities]]\nname = 'only one'\nkind = 'user'\nclient_id = 'c'\n"
        "object_id = 'o'\nresource_id = '/r'\n"
    )
    with start("--quiet", "--format", "json", "--exit-with-parent", "--identities", str(file)) as process:
        environment = json.loads(line_of(process))
    assert environment["AZURE_TENANT_ID"] == "mine" and environment["ENTRAKEY_EMULATOR_ONLY_ONE_OBJECT_ID"] == "o"
    assert "AZURE_CLIENT_SECRET" not in environment
    code, said = refusal("--identities", str(file), "--env", "client_secret")
    assert code == 2 and "client_secret" in said
    with file.open("a") as more:
        more.write("[[apps]]\nname = 'a'\nclient_id = 'c2'\nobject_id = 'o2'\nsecrets = ['s']\ndisabled = true\n")
    code, said = refusal("--identities", str(file), "--env", "client_secret")
    assert code == 2 and "client_secret" in said, "a disabled app is nobody"
    file.write_text("tenant = 'mine'\n")
    code, said = refusal("--identities", str(file))
    assert code == 2 and "who.toml" in said and "line 1" in said and said.count("\n") == 1, said


def test_the_default_identities_are_a_file_to_start_from(tmp_path):
    shown = subprocess.run([*COMMAND, "--show-identities"], capture_output=True, text=True, timeout=20)
    file = tmp_path / "who.toml"
    file.write_text(shown.stdout.replace("[[managed_identities]]", "[[managed_identities]] # mine", 1))
    with start("--quiet", "--format", "json", "--exit-with-parent", "--identities", str(file)) as process:
        mine = json.loads(line_of(process))
    with start("--quiet", "--format", "json", "--exit-with-parent") as process:
        default = json.loads(line_of(process))
    ids = [name for name in default if name.endswith("_ID")]
    assert len(ids) > 10 and [mine[name] for name in ids] == [default[name] for name in ids]


def test_an_apps_own_certificate_is_named_relative_to_the_file_that_registers_it(tmp_path):
    options = ["--quiet", "--format", "json", "--exit-with-parent", "--env", "client_certificate"]
    with start(*options) as process:
        made = json.loads(line_of(process))
        for name, file in [("CERTIFICATE", "cert.pem"), ("PRIVATE_KEY", "key.pem")]:
            text = pathlib.Path(made[f"ENTRAKEY_EMULATOR_{name}_PATH"]).read_text()
            (tmp_path / file).write_text(text)
    (tmp_path / "who.toml").write_text(
        "tenant_id = 't'\n[[apps]]\nname = 'a'\nclient_id = 'c'\nobject_id = 'o'\n"
        "certificates = [{ file = 'cert.pem', private_key = 'key.pem' }]\n"
    )
    relative = os.path.relpath(tmp_path / "who.toml")
    with start(*options, "--identities", relative) as process:
        variables = json.loads(line_of(process))
    named = pathlib.Path(variables["AZURE_CLIENT_CERTIFICATE_PATH"])
    assert named.is_absolute() and named.samefile(tmp_path / "cert.pem")
    (tmp_path / "cert.pem").write_text("junk")
    code, said = refusal("--identities", relative)
    assert code == 2 and "cert.pem" in said and "CERTIFICATE" in said


def test_a_verbose_one_tells_no_secrets():
    """What it says on standard error, while each environment's secret is used rightly and wrongly."""
    with subprocess.Popen(
        [*COMMAND, "--format", "json", "--exit-with-parent", "--env", "all"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            environments = json.loads(line_of(process))
            secrets, tokens = use_every_secret(environments)
            process.stdin.close()
            said = process.stderr.read().decode()
        finally:
            process.kill()
    assert "managed identity token for" in said and "AADSTS7000215" in said and "arc: " in said
    for secret in secrets + tokens:
        assert len(secret) >= 8 and secret not in said


def use_every_secret(environments):
    """The secrets that were sent, and the tokens that came back."""
    emulator = Endpoints(environments["default"])
    app, ml = environments["app_service"], environments["azure_ml"]
    query = "&resource=https://redis.azure.com"
    secrets = [app["IDENTITY_HEADER"], ml["MSI_SECRET"], emulator["AZURE_CLIENT_SECRET"], "a-wrong-secret"]
    answers = [emulator.imds(), emulator.entra(), emulator.entra(client_secret="a-wrong-secret")]
    for secret in (app["IDENTITY_HEADER"], "a-wrong-secret"):
        url = app["IDENTITY_ENDPOINT"] + "?api-version=2019-08-01" + query
        answers.append(emulator.http(url, headers={"X-IDENTITY-HEADER": secret}))
    for secret in (ml["MSI_SECRET"], "a-wrong-secret"):
        url = ml["MSI_ENDPOINT"] + "?api-version=2017-09-01" + query
        answers.append(emulator.http(url, headers={"secret": secret}))
    url = environments["arc"]["IDENTITY_ENDPOINT"] + "?api-version=2020-06-01" + query
    emulator.http(url, headers={"Metadata": "true"})
    keys = list(pathlib.Path(environments["arc"]["ENTRAKEY_EMULATOR_ARC_KEY_DIRECTORY"]).iterdir())
    secrets += [key.read_text() for key in keys]
    for key in secrets[-1], "a-wrong-secret":
        answers.append(emulator.http(url, headers={"Metadata": "true", "Authorization": "Basic " + key}))
    federated = pathlib.Path(environments["workload_identity"]["AZURE_FEDERATED_TOKEN_FILE"]).read_text()
    secrets += [federated, federated.split(".")[2]]
    emulator.control("/emulator/federated_token", {})
    tokens = [body["access_token"] for status, body in answers if status == 200]
    assert len(tokens) == 5
    return secrets, tokens


def test_it_goes_on_when_nobody_reads_what_it_says():
    with subprocess.Popen(
        [*COMMAND, "--format", "json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            process.stderr.close()
            emulator = Endpoints(json.loads(line_of(process)))
            assert emulator.imds()[0] == 200
            redis = emulator.owner()
            redis.close()
        finally:
            process.kill()


def test_control_says_where_the_control_api_is():
    command = [BINARY, "control", "--url", "https://127.0.0.1:1", "stats"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and "on http://" in done.stderr and "panicked" not in done.stderr


def test_a_subject_with_a_line_break_writes_no_line_of_its_own_into_the_log(tmp_path):
    log = tmp_path / "log"
    with log.open("wb") as written, subprocess.Popen(
        [*COMMAND, "--format", "json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=written
    ) as process:
        try:
            emulator = Endpoints(json.loads(line_of(process)))
            forged = "a\r\nemulator: AUTH \u2028accepted\x1b[2K"
            assert emulator.control("/emulator/federated_token", {"subject": forged, "write": False})[0] == 200
        finally:
            process.kill()
    lines = log.read_text().splitlines()
    assert r"emulator: a federated token for a\r\nemulator: AUTH \u{2028}accepted\u{1b}[2K" in lines, lines
    assert all(line.startswith("emulator: ") for line in lines) and "\x1b" not in log.read_text()
