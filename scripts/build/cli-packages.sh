#!/bin/sh
# Builds the command's packages for this machine into target/cli-packages: a wheel for pip, and npm's two. One build serves both.
# What ships for Linux is made by `python-wheel.sh TARGET cli`, which links against an old C library.
# usage: cli-packages.sh release | debug     (debug: what the tests have built anyway)
set -eu
cd "$(dirname "$0")/../.."
out=target/cli-packages
rm -rf $out
case $1 in
release) profile=--release && run=scripts/build/release.sh ;;
debug) profile=--profile=dev && run= ;;
esac
$run "${MATURIN:-.venv/bin/maturin}" build --quiet "$profile" --strip --locked --manifest-path cli/Cargo.toml --out $out
platform=$(node -p 'require("./bindings/node/lib/platform.cjs").candidates()[0]')
mkdir $out/binary
strip -o "$out/binary/entrakey.$platform" "target/$1/entrakey"
node cli/npm/pack.mjs $out $out/binary
