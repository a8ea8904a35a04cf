#!/bin/sh
# Builds the command's packages for this machine into target/cli-packages: a wheel for pip, and npm's two. One build serves both.
# What ships for Linux is made by `python-wheel.sh TARGET cli`, which links against an old C library.
set -eu
cd "$(dirname "$0")/../.."
out=target/cli-packages
rm -rf $out
scripts/build/release.sh "${MATURIN:-.venv/bin/maturin}" build --quiet --release --locked --manifest-path cli/Cargo.toml --out $out
platform=$(node -p 'require("./bindings/node/lib/platform.cjs").candidates()[0]')
mkdir $out/binary
cp target/release/entrakey "$out/binary/entrakey.$platform"
node cli/npm/pack.mjs $out $out/binary
