#!/bin/sh
# Builds the wheel that ships, for this machine or the target given, and looks into it: the library's, or with "cli" the
# command's. usage: python-wheel.sh [TARGET [cli]]
# One for Linux is linked by zig against the symbols of glibc 2.28 (musl 1.2), whatever this machine's C library is.
set -eu
cd "$(dirname "$0")/../.."
target=${1:-$(rustc -vV | sed -n 's/^host: //p')}
tools=.cache/python-wheel
case ${2:-} in
cli) package=cli wheels=target/wheels-release-cli ;;
*) package=bindings/python wheels=target/wheels-release ;;
esac
wanted=bindings/python/wheel-requirements.txt
[ -x $tools/bin/python ] || "${PYTHON:-python3}" -m venv $tools
if [ ! -e $tools/.installed ] || [ $wanted -nt $tools/.installed ]; then
    $tools/bin/pip install --quiet --disable-pip-version-check -r $wanted
    touch $tools/.installed
fi
case $target in
*-linux-gnu*) linked="--zig --compatibility manylinux_2_28" ;;
*-linux-musl*) linked="--zig --compatibility musllinux_1_2" ;;
*) linked= ;;
esac
rm -rf $wheels
# The environment's folder comes first for maturin to find its zig. ($linked is several words.)
PATH=$PWD/$tools/bin:$PATH scripts/build/release.sh $tools/bin/maturin build --quiet --release --locked $linked \
    --target "$target" --manifest-path $package/Cargo.toml --out $wheels/built
# The list of crates names the folder that they were built in.
$tools/bin/wheel unpack --dest $wheels/unpacked $wheels/built/*.whl
sed -i.original "s|file://$PWD|file:///entrakey|g" $wheels/unpacked/*/*.dist-info/sboms/*
rm $wheels/unpacked/*/*.dist-info/sboms/*.original
$tools/bin/wheel pack --dest-dir $wheels $wheels/unpacked/*
rm -r $wheels/built $wheels/unpacked
$tools/bin/python scripts/check/wheel-contents.py $wheels
