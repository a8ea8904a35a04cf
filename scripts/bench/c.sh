#!/bin/sh
# The C part of `make bench`: against the release build, with the token of an emulator on loopback.
set -eu
out=target/bench-c
mkdir -p $out
strict="-std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -Iinclude"
"${CC:-cc}" $strict tests/c/bench.c target/release/libentrakey.so "-Wl,-rpath,$PWD/target/release" -lpthread -o $out/bench
"${CC:-cc}" $strict tests/c/start.c -ldl -o $out/start

target/debug/entrakey emulator --quiet >$out/environment &
emulator=$!
trap 'kill $emulator' EXIT
tries=0
until grep -q REDIS_PORT $out/environment; do # the emulator prints its whole environment at once
    tries=$((tries + 1))
    [ $tries -lt 200 ] || { echo "bench: the emulator says nothing" >&2; exit 1; }
    sleep 0.05
done
. $out/environment
export ENTRAKEY_IDENTITY=managed_identity
for _ in 1 2 3; do $out/start target/release/libentrakey.so; done
$out/bench
