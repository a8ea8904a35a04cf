#!/usr/bin/env python3
"""Writes THIRD-PARTY-NOTICES: what is linked into the libraries and the command that ship, under which licence, with whose texts.

    third-party-notices.py           writes it
    third-party-notices.py --check   fails if the committed file is not what it would write

Small enough to be ours: the tools for it are larger than what they would save, and some ask the network.
"""
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHIPPED = ["entrakey-ffi", "entrakey-python", "entrakey-node", "entrakey-java", "entrakey-cli"]
TARGET = ROOT / "THIRD-PARTY-NOTICES"
TEXTS = re.compile(r"^(licen[cs]e|copying|copyright|notice|unlicense|authors)", re.IGNORECASE)
HEAD = """entrakey contains the following Rust crates. Each stands with its version, its licence as its authors give it
(an SPDX expression) and where it comes from; the texts that come with it follow, each once, with the crates that it
came with. Rust's standard library is part of every binary too (MIT OR Apache-2.0, https://www.rust-lang.org). Made by
scripts/check/third-party-notices.py.
"""


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def linked():
    """Names and versions of all crates that are part of what ships (not build scripts and macros)."""
    found = set()
    for package in SHIPPED:
        tree = cargo("tree", "--locked", "--quiet", "-p", package, "-e", "no-dev,no-build,no-proc-macro",
                     "--target", "all", "--prefix", "none", "--format", "{p}")
        found.update(tuple(line.split()[:2]) for line in tree.splitlines() if line)
    return {(name, version.lstrip("v")) for name, version in found if not name.startswith("entrakey")}


def notices():
    packages = json.loads(cargo("metadata", "--locked", "--format-version", "1"))["packages"]
    wanted = linked()
    packages = sorted((p for p in packages if (p["name"], p["version"]) in wanted), key=lambda p: (p["name"], p["version"]))
    texts, lines = {}, [HEAD]
    for package in packages:
        title = f"{package['name']} {package['version']}"
        lines.append(f"  {title}: {package['license'] or 'see its text'}; {package['repository'] or 'no repository named'}")
        for path in sorted(pathlib.Path(package["manifest_path"]).parent.iterdir()):
            if TEXTS.match(path.name) and path.is_file():
                text = path.read_text("utf-8", "replace").replace("\r\n", "\n").strip()
                texts.setdefault(text, []).append(title)
    for text, titles in sorted(texts.items(), key=lambda item: (item[1], item[0])):
        lines.append("\n" + "-" * 80 + "\n" + ", ".join(dict.fromkeys(titles)) + "\n\n" + text)
    return "\n".join(lines) + "\n"


def main():
    made = notices()
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(made, "utf-8")
        return 0
    if TARGET.exists() and TARGET.read_text("utf-8") == made:
        print(f"ok   {TARGET.name} names what is linked in")
        return 0
    print(f"FAIL {TARGET.name} is not what is linked in: run scripts/check/third-party-notices.py", file=sys.stderr)
    return 1


sys.exit(main())
