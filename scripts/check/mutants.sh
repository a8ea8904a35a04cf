#!/bin/sh
# Breaks the refresh engine in every way that cargo-mutants knows, one at a time, and shows what no test notices.
# usage: mutants.sh [cargo-mutants' own options, as --list or --shard 1/8 or --re PATTERN]
# What is left out, and why: .cargo/mutants.toml. What was found: target/mutants.out/missed.txt. It takes hours.
set -eu
version=27.1.0
tools=target/tools
if ! $tools/bin/cargo-mutants mutants --version 2>/dev/null | grep -q " $version\$"; then
    cargo install cargo-mutants --locked --version $version --root $tools
fi
# Each mutant is built and tested in a copy, so that the sources stay as they are.
PATH=$PWD/$tools/bin:$PATH exec nice cargo mutants --package entrakey-core --output target "$@"
