"""The stubs say what is there, and say it in words."""

import ast
import importlib
import inspect
import operator
import pathlib
import subprocess
import sys

import pytest

import entrakey

PACKAGE = pathlib.Path(entrakey.__file__).parent


def test_the_stubs_are_those_of_the_package(tmp_path):
    allowlist = pathlib.Path(__file__).with_name("stubtest-allowlist.txt")
    command = [sys.executable, "-m", "mypy.stubtest", "entrakey", "--concise", "--ignore-disjoint-bases"]
    done = subprocess.run(
        [*command, "--allowlist", allowlist], cwd=tmp_path, capture_output=True, text=True, timeout=110
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_public_has_words():
    undocumented = []
    for stub in ("_provider.pyi", "_subscription.pyi", "redis.pyi"):
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
    for name, text in documented(f"{stub}.pyi"):
        private = any(part.startswith("_") for part in name.split("."))
        if text is not None and not private and inspect.getdoc(operator.attrgetter(name)(module)) != text:
            different.append(name)
    assert different == [], "copy the stub's text"


def test_the_package_is_typed_and_the_keys_are_cores():
    assert (PACKAGE / "py.typed").exists()
    documented = (pathlib.Path(__file__).resolve().parents[3] / "docs/configuration.md").read_text()
    assert all(f"| `{key}` |" in documented for key in entrakey._entrakey.KEYS)
