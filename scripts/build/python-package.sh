#!/bin/sh
# Builds the wheel and installs it, with what its tests need, into .venv.
set -eu
venv=.venv
[ -x $venv/bin/python ] || "${PYTHON:-python3}" -m venv $venv
tools=$venv/.tools-installed
recipes=examples/python/recipes/requirements.txt
if [ ! -e $tools ] || [ bindings/python/requirements.txt -nt $tools ] || [ $recipes -nt $tools ]; then
    $venv/bin/pip install --quiet --disable-pip-version-check -r bindings/python/requirements.txt -r $recipes
    touch $tools
fi
# Older versions of redis-py, side by side.
for version in $(cat bindings/python/redis-versions.txt); do
    folder=.cache/redis-py/$version
    [ -e "$folder/.installed" ] && continue
    $venv/bin/pip install --quiet --disable-pip-version-check --no-deps --target "$folder" "redis==$version"
    touch "$folder/.installed"
done
wheels=target/wheels
# The same variable as in .cargo/config.toml and the same profile as `cargo build`: one build serves both.
VIRTUAL_ENV=$PWD/$venv $venv/bin/maturin build --quiet --profile dev --locked \
    --manifest-path bindings/python/Cargo.toml --out $wheels
wheel=$(ls -t $wheels/entrakey-*.whl | head -n 1)
$venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-index --force-reinstall "$wheel"
