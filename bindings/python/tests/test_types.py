"""The stubs say what is there, and say it in words."""

import ast
import importlib
import importlib.metadata
import inspect
import json
import operator
import pathlib
import re
import subprocess
import sys

import pytest

import entrakey

PATIENCE_S = 300
# One after the other: each keeps the processors busy.
pytestmark = [pytest.mark.xdist_group("the processors"), pytest.mark.timeout(PATIENCE_S + 20)]
PACKAGE = pathlib.Path(entrakey.__file__).parent


def test_the_stubs_are_those_of_the_package(tmp_path):
    allowlist = pathlib.Path(__file__).with_name("stubtest-allowlist.txt")
    command = [sys.executable, "-m", "mypy.stubtest", "entrakey", "--concise", "--ignore-disjoint-bases"]
    done = subprocess.run(
        [*command, "--allowlist", allowlist], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_public_has_words():
    undocumented = []
    for stub in ("_provider.pyi", "_subscription.pyi", "redis/__init__.pyi"):
        for part in ast.parse((PACKAGE / stub).read_text()).body:
            if not isinstance(part, (ast.ClassDef, ast.FunctionDef)) or part.name.startswith("_"):
                continue
            methods = [member for member in part.body if isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef))]
            public = [method for method in methods if not method.name.startswith("_")]
            undocumented += [one.name for one in (part, *public) if not ast.get_docstring(one)]
    assert undocumented == ["is_streaming"], "redis-py's interface says that one"


def documented(stub):
    """The names of a stub with their texts."""
    for part in ast.parse((PACKAGE / stub).read_text()).body:
        if isinstance(part, (ast.ClassDef, ast.FunctionDef)):
            yield part.name, ast.get_docstring(part)
            for member in part.body if isinstance(part, ast.ClassDef) else ():
                if isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    yield f"{part.name}.{member.name}", ast.get_docstring(member)


@pytest.mark.parametrize("stub", ["_provider", "_subscription", "_entrakey", "redis"])
def test_help_says_what_the_stubs_say(stub):
    module, different = importlib.import_module(f"entrakey.{stub}"), []
    for name, text in documented("redis/__init__.pyi" if stub == "redis" else f"{stub}.pyi"):
        private = any(part.startswith("_") for part in name.split("."))
        if text is not None and not private and inspect.getdoc(operator.attrgetter(name)(module)) != text:
            different.append(name)
    assert different == [], "copy the stub's text"


ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = """
import datetime

from typing_extensions import assert_type

import entrakey
from entrakey.redis_entraid.cred_provider import RetryPolicy, TokenManagerConfig, create_from_service_principal


class Mine(entrakey.Provider):
    pass


assert_type(entrakey.Provider(), entrakey.Provider)
assert_type(Mine(), Mine)
assert_type(Mine.managed_identity(), Mine)
with Mine() as mine:
    assert_type(mine, Mine)
entrakey.Provider(token_callback=lambda: "token")
entrakey.Provider(token_callback=lambda scope: (scope, 1.0))
entrakey.Provider(token_callback=lambda: ("token", datetime.datetime.now(datetime.timezone.utc)))
config = TokenManagerConfig(0.7, 0, 100, RetryPolicy(3, 3))
create_from_service_principal("client", "secret", "tenant", token_manager_config=config)
"""


def programs(folder):
    """What users read, and what they might write; for the checkers that users have."""
    copies = [*ROOT.glob("examples/python/*.py"), *ROOT.glob("examples/python/recipes/*.py")]
    texts = {copy.name: copy.read_text() for copy in copies}
    page = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/python.md").read_text(), re.M | re.S)
    known = "import redis, entrakey\nprovider = entrakey.Provider()\nhost = 'redis'\nfrom entrakey.redis import CredentialProvider\ncredentials = CredentialProvider()\n"
    texts.update({f"page{number}.py": known + text for number, text in enumerate(page)})
    texts["program.py"] = PROGRAM
    for name, text in texts.items():
        (folder / name).write_text(text)


@pytest.mark.parametrize(
    "checker",
    [
        # redis-py itself is only half typed, and some frameworks not at all.
        ["mypy", "--strict", "--ignore-missing-imports", "--allow-untyped-calls", "--allow-untyped-decorators", "."],
        ["basedpyright", "--pythonpath", sys.executable, "."],
    ],
    ids=["mypy", "pyright"],
)
def test_type_checkers_pass_every_example(checker, tmp_path):
    programs(tmp_path)
    rules = {"typeCheckingMode": "standard", "reportMissingModuleSource": False}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(rules))
    done = subprocess.run(
        [sys.executable, "-m", *checker], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_is_typed_and_the_keys_are_cores():
    assert (PACKAGE / "py.typed").exists()
    documented = (pathlib.Path(__file__).resolve().parents[3] / "docs/configuration.md").read_text()
    assert all(f"| `{key}` |" in documented for key in entrakey._entrakey.KEYS)


def test_the_wheel_has_the_licences_and_the_notices():
    files = {pathlib.Path(file).name for file in importlib.metadata.files("entrakey")}
    assert {"LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY-NOTICES"} <= files
