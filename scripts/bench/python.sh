#!/bin/sh
# Builds the wheel that ships, tries it in clean environments, and measures it beside its peers (bench.py).
set -eu
venv=.cache/python-bench
wheels=target/wheels-release
scripts/build/python-wheel.sh
"${PYTHON:-python3}" scripts/check/try-wheel.py $wheels
[ -x $venv/bin/python ] || "${PYTHON:-python3}" -m venv $venv
$venv/bin/pip install --quiet --disable-pip-version-check $(grep -E '^(azure-identity|redis|redis-entraid)=' bindings/python/requirements.txt)
$venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-index --force-reinstall $wheels/*.whl
scripts/offline.sh $venv/bin/python bindings/python/bench.py "$@"
