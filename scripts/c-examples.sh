#!/bin/sh
# Compiles the C examples against the shared library in target/debug, warnings as errors.
set -eu
out=target/examples-c
mkdir -p $out
strict="-std=c99 -D_POSIX_C_SOURCE=200112L -O2 -Wall -Wextra -Wpedantic -Werror"
library="-Iinclude -Ltarget/debug -Wl,-rpath,$PWD/target/debug -lentrakey"
"${CC:-cc}" $strict examples/c/hello.c $library -o $out/hello
"${CC:-cc}" $strict -isystem .cache/hiredis examples/c/live.c $library \
    .cache/hiredis/libhiredis_ssl.a -lssl -lcrypto -o $out/live
