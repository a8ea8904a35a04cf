#!/usr/bin/env python3
"""Installs the wheel in a folder into a clean virtual environment of each Python given, and uses it there.

usage: try-wheel.py FOLDER [PYTHON …]     (this Python if none is given)

What is checked: it installs nothing but itself, imports, and hands out a token.
"""

import pathlib
import subprocess
import sys
import tempfile

USE = """
import importlib.metadata, sys, time
installed = {d.metadata["Name"].lower() for d in importlib.metadata.distributions()} - {"pip", "setuptools", "wheel"}
assert installed == {"entrakey"}, installed
import entrakey
with entrakey.Provider(token_callback=lambda scope: ("opaque", time.time() + 3600), username="me") as provider:
    assert provider.get_credentials() == ("me", "opaque") and provider.status()["state"] == "fresh"
    username, secret = provider.get_credentials()
print("ok   Python", sys.version.split()[0])
"""


def main(folder, pythons):
    wheels = list(pathlib.Path(folder).glob("entrakey-*.whl"))
    assert len(wheels) == 1, f"one wheel is wanted in {folder}, there are {wheels}"
    (wheel,) = wheels
    for python in pythons:
        with tempfile.TemporaryDirectory() as place:
            subprocess.run([python, "-m", "venv", place], check=True)
            binary = pathlib.Path(place, "Scripts" if sys.platform == "win32" else "bin", "python")
            install = [binary, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", wheel]
            subprocess.run(install, check=True)
            subprocess.run([binary, "-W", "error", "-c", USE], check=True, cwd=place, timeout=60)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] or [sys.executable])
