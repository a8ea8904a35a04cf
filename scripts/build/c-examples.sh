#!/bin/sh
# Compiles the C examples, and hiredis's part of a test, against the shared library in target/debug, warnings as errors.
set -eu
out=target/examples-c
mkdir -p $out
strict="-std=c99 -D_POSIX_C_SOURCE=200809L -O2 -Wall -Wextra -Wpedantic -Werror"
library="-Iinclude -Ltarget/debug -Wl,-rpath,$PWD/target/debug -lentrakey"
hiredis="-isystem .cache/hiredis $library .cache/hiredis/libhiredis_ssl.a -lssl -lcrypto"
valkey="-isystem .cache/libvalkey/include $library .cache/libvalkey/libvalkey_tls.a -lssl -lcrypto"
"${CC:-cc}" $strict examples/c/hello.c $library -o $out/hello
"${CC:-cc}" $strict examples/c/live.c $hiredis -o $out/live
"${CC:-cc}" $strict examples/c/async.c $hiredis -o $out/async
"${CC:-cc}" $strict -pthread examples/c/pool.c $hiredis -o $out/pool
"${CC:-cc}" $strict tests/contract/connections.c $hiredis -o $out/connections
"${CC:-cc}" $strict examples/c/valkey.c $valkey -o $out/valkey
