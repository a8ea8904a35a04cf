"""The helper that starts the emulator for anybody's tests, and its pytest fixtures."""

import os
import subprocess
import sys
import time

import pytest

import entrakey
from entrakey.emulator import Emulator, EmulatorError


def exists(pid):
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return True


def test_it_starts_in_two_lines_and_the_block_is_there(monkeypatch):
    monkeypatch.setenv("AZURE_CLIENT_ID", "of the shell")
    monkeypatch.setenv("DEFAULT_IDENTITY_CLIENT_ID", "of the shell")
    with Emulator.start(token_lifetime="20m") as emulator, emulator.use("app_service", MORE="yes"):
        assert "AZURE_CLIENT_ID" not in os.environ and os.environ["MORE"] == "yes"
        assert "DEFAULT_IDENTITY_CLIENT_ID" not in os.environ
        with entrakey.Provider(identity="managed_identity") as provider:
            token = provider.get_token()
        assert token.username == emulator["ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID"]
        assert emulator.stats()["token_requests"]["by_route"] == {"app_service": 1}
        assert emulator.token_requests() == 1
        assert emulator.connections(token.username)["auths"] == 0
    assert os.environ["AZURE_CLIENT_ID"] == "of the shell" and "MORE" not in os.environ
    with pytest.raises(EmulatorError, match="does not answer"):
        emulator.stats()
    emulator.close()


def test_the_control_api_answers_and_refuses_with_its_own_words(emulator):
    script = {"route": "imds", "answers": [{"status": 500}]}
    assert emulator.control("POST", "/emulator/faults", script)["waiting"]["imds"] == 1
    assert emulator.control("DELETE", "/emulator/faults") is None
    with pytest.raises(EmulatorError, match="400 .*nowhere"):
        emulator.control("POST", "/emulator/faults", {**script, "route": "nowhere"})
    with pytest.raises(EmulatorError, match="404 .*no environment 'mars'.*app_service"):
        emulator.env("mars")


def test_what_it_cannot_do_it_says(monkeypatch):
    with pytest.raises(EmulatorError, match="did not start: .*soon"):
        Emulator.start(token_lifetime="soon")
    with pytest.raises(EmulatorError, match="--not-an-option"):
        Emulator.start(not_an_option=3)
    with pytest.raises(EmulatorError, match="--not-an-option=0"):
        Emulator.start(not_an_option=0)
    monkeypatch.setenv("ENTRAKEY_BIN", "/nowhere/entrakey")
    with pytest.raises(EmulatorError, match="ENTRAKEY_BIN names '/nowhere/entrakey', which was not found: `pip install"):
        Emulator.start()
    monkeypatch.delenv("ENTRAKEY_BIN")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EmulatorError, match="`entrakey` was not found: `pip install entrakey-cli`, or build it with `cargo build"):
        Emulator.start()


def test_it_ends_with_a_program_that_forgets_it(run):
    program = "from entrakey.emulator import Emulator; print(Emulator.start()['ENTRAKEY_EMULATOR_DIRECTORY'])"
    done = run(program)
    assert done.returncode == 0, done.stderr
    pid = done.stdout.split("entrakey-emulator-")[1].split("-")[0]
    end = time.monotonic() + 20
    while exists(pid):
        assert time.monotonic() < end, "it goes on by itself"
        time.sleep(0.02)


def test_a_program_of_its_own_finds_itself_there(emulator):
    environment = emulator.process_environment("workload_identity", MORE="yes")
    listed = subprocess.run(["env"], env=environment, capture_output=True, text=True, check=True).stdout
    assert "\nAZURE_FEDERATED_TOKEN_FILE=" in listed and "\nMORE=yes\n" in listed
    assert "AZURE_CLIENT_SECRET=" not in listed


def test_the_fixtures_are_two_lines_away(tmp_path):
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["entrakey.pytest_plugin"]\n')
    (tmp_path / "test_mine.py").write_text(
        "import os\n"
        "def test_default(emulator):\n"
        "    assert os.environ['REDIS_PORT'] == emulator['REDIS_PORT']\n"
        "def test_chosen(start_emulator):\n"
        "    assert start_emulator('5s', env='arc') and 'IMDS_ENDPOINT' in os.environ\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_nobody_pays_for_it_who_does_not_import_it(run):
    done = run("import entrakey, sys; print([name for name in sys.modules if 'emulator' in name or 'pytest' in name])")
    assert done.stdout == "[]\n", done.stdout + done.stderr
