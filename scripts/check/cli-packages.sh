#!/bin/sh
# Installs the command's packages in a folder as a user would, each into a place of its own and without a network, and uses it.
# usage: cli-packages.sh FOLDER [release]
# What is checked: that it starts within half a second and that the helpers for tests find it; of a release its size too, and that
# it says nothing of the machine that built it.
set -eu
LIMIT_BYTES=12582912 # 12 MiB
folder=$(cd "$1" && pwd -P)
root=$(cd "$(dirname "$0")/../.." && pwd -P)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset ENTRAKEY_BIN
fail() { echo "FAIL $1" >&2 && exit 1; }

# uses NAME COMMAND…: the command works, and its emulator is there soon.
uses() {
    name=$1 && shift
    "$@" --version | grep -q '^entrakey [0-9]' || fail "$name: no version"
    "$@" --help | grep -q emulator || fail "$name: no emulator"
    "${PYTHON:-python3}" - "$@" <<'PYTHON' || fail "$name: the emulator does not start within half a second"
import subprocess, sys, time
command = [*sys.argv[1:], "emulator", "--quiet", "--format=json", "--exit-with-parent"]
def start():
    began = time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline().startswith(b"{")
        took = time.monotonic() - began
        process.stdin.close()
    return took
took = min(start() for _ in range(5))  # the machine is busy with other things too
print(f"     the emulator is there after {took * 1000:.0f} ms")
sys.exit(took > 0.5)
PYTHON
}

"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index "$folder"/entrakey_cli-*.whl
binary=$work/venv/bin/entrakey
if [ "${2:-}" = release ]; then
    size=$(wc -c <"$binary")
    echo "     the command: $size bytes, $((size * 100 / LIMIT_BYTES)) % of the $LIMIT_BYTES allowed"
    [ "$size" -le $LIMIT_BYTES ] || fail "the command is larger than $LIMIT_BYTES bytes"
    for path in "$root" "$HOME" "${CARGO_HOME:-$HOME/.cargo}"; do
        ! grep -qaF "$path/" "$binary" || fail "the command says where it was built: it contains $path/"
    done
fi
uses pip "$binary"
# The helper of this repository, in a Python that is not activated. (It needs nothing of the package but itself.)
PATH=/usr/bin:/bin "$work/venv/bin/python" - "$root/bindings/python/python/entrakey" <<'PYTHON' || fail "Python's helper does not find it"
import importlib.util, sys
spec = importlib.util.spec_from_file_location("emulator", sys.argv[1] + "/emulator.py")
emulator = importlib.util.module_from_spec(spec)
sys.modules["emulator"] = emulator
spec.loader.exec_module(emulator)
with emulator.Emulator.start() as running:
    assert running.token_requests() == 0
PYTHON
echo "ok   pip install entrakey-cli"

mkdir "$work/project"
cd "$work/project"
echo '{ "private": true }' >package.json
npm install --offline --silent --no-audit --no-fund "$folder"/entrakey-cli-[0-9]*.tgz "$folder"/entrakey-cli-[a-z]*.tgz
uses npm node_modules/.bin/entrakey
said=0
node_modules/.bin/entrakey token --identity nobody 2>/dev/null || said=$?
[ $said = 2 ] || fail "npm: the exit code is $said, not the command's"
node - "$root/bindings/node" <<'NODE' || fail "Node.js's helper does not find it"
process.env.PATH = '/usr/bin:/bin';
const { Emulator } = require(`${process.argv[2]}/emulator.cjs`);
Emulator.start().then((emulator) => emulator.stop());
NODE
echo "ok   npm install entrakey-cli"
