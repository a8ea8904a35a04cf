#!/usr/bin/env python3
"""Looks into the wheel in a folder: what its user gets beside the code, and what it wants of a machine.

usage: wheel-contents.py FOLDER

What is checked: one wheel, of the library (abi3, under 4 MB, with what its package reads) or of the command (for every Python,
under 12 MiB); with the licences and the list of its crates, and no path of the machine that built it; one for Linux is tagged
manylinux_2_28 or musllinux_1_2 and wants no symbol of a newer glibc.
"""

import pathlib
import re
import sys
import zipfile

LINUX_TAGS = ("manylinux_2_28", "musllinux_1_2")
NEWEST_GLIBC = (2, 28)
LICENCES = ("licenses/LICENSE-MIT", "licenses/LICENSE-APACHE", "licenses/THIRD-PARTY-NOTICES", "sboms/")
# By the wheel's name: its tag, its size, and what must be in it.
KINDS = {
    "entrakey": ("-cp39-abi3-", 4_000_000, ("entrakey/py.typed", "entrakey/foreign-variables.txt")),
    "entrakey_cli": ("-py3-none-", 12 * 1024 * 1024, (".data/scripts/entrakey",)),
}
HERE = (pathlib.Path(__file__).resolve().parents[2], pathlib.Path.home())


def main(folder):
    wheels = list(pathlib.Path(folder).glob("entrakey*.whl"))
    assert len(wheels) == 1, f"one wheel is wanted in {folder}, there are {wheels}"
    (wheel,) = wheels
    size = wheel.stat().st_size
    tag, limit, read_by_the_package = KINDS[wheel.name.split("-")[0]]
    assert tag in wheel.name, wheel.name
    assert "linux" not in wheel.name or any(tag in wheel.name for tag in LINUX_TAGS), wheel.name
    assert size < limit, f"{wheel.name}: {size} bytes, more than {limit}"
    with zipfile.ZipFile(wheel) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    for wanted in read_by_the_package:
        assert any(name.endswith(wanted) for name in contents), f"{wheel.name} has no {wanted}"
    for wanted in LICENCES:
        assert any(f".dist-info/{wanted}" in name for name in contents), f"{wheel.name} has no {wanted}"
    for name, content in contents.items():
        for path in HERE:
            assert not leaks(content, path), f"{name} in {wheel.name} has {path} in it"
        newer = [version for version in glibc(content) if version > NEWEST_GLIBC]
        assert not newer, f"{name} in {wheel.name} wants glibc {max(newer)}, newer than {NEWEST_GLIBC}"
    print(f"ok   {wheel.name}: {size} bytes")


def leaks(content, path):
    return re.search(rb"(?<![\w.-])" + re.escape(str(path).encode()) + rb"(?![\w.-])", content) is not None


def glibc(content):
    """The versions of glibc whose symbols a binary wants."""
    return [(int(major), int(minor)) for major, minor in re.findall(rb"GLIBC_(\d+)\.(\d+)", content)]


if __name__ == "__main__":
    main(sys.argv[1])
