#!/bin/sh
# Fuzzes the C library's inputs for so many seconds each, under AddressSanitizer. usage: fuzz.sh SECONDS
# What it finds is in target/fuzz; scripts/build/sanitized.sh builds the library first.
set -eu
work=target/fuzz
for target in json strings; do
    mkdir -p $work/$target
    # libFuzzer's main is clang's; the library has its own counters (see scripts/build/sanitized.sh).
    "${CLANG:-clang}" -g -O1 -fsanitize=fuzzer,address -Iinclude fuzz/$target.c target/address/built/libentrakey.a \
        -lpthread -ldl -lm -lrt -o $work/fuzz-$target
    if ! $work/fuzz-$target -max_total_time="$1" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix=$work/found-$target- $work/$target fuzz/seeds/$target 2>$work/$target.log; then
        tail -n 60 $work/$target.log >&2
        exit 1
    fi
    # Without the library's counters the fuzzer would see only the few lines of the target itself.
    sed -n 's/^INFO: Loaded [0-9]* PC tables (\([0-9]*\) PCs.*/\1/p' $work/$target.log | {
        read -r counters
        [ "$counters" -gt 10000 ] || { echo "fuzz: only $counters counters: the library is not instrumented" >&2; exit 1; }
    }
    sed -n "s/^stat::number_of_executed_units: */fuzz $target: inputs tried: /p" $work/$target.log
done
