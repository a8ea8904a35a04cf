#!/bin/sh
# Fuzzes the C library's inputs and the proxy's scanners for so many seconds each, under AddressSanitizer.
# usage: fuzz.sh SECONDS
# What it finds is in target/fuzz; scripts/build/sanitized.sh builds the libraries first.
set -eu
work=target/fuzz
for target in json strings proxy-replies proxy-requests proxy-nodes; do
    mkdir -p $work/$target
    # A stream is read anew for each byte at which it can be cut; an answer about nodes needs some length.
    case $target in
    proxy-nodes) library=libentrakey_fuzz.a length=-max_len=800 ;;
    proxy-*) library=libentrakey_fuzz.a length=-max_len=400 ;;
    *) library=libentrakey.a length= ;;
    esac
    # libFuzzer's main is clang's; a library has its own counters (see scripts/build/sanitized.sh).
    "${CLANG:-clang}" -g -O1 -fsanitize=fuzzer,address -Iinclude fuzz/$target.c target/address/built/$library \
        -lpthread -ldl -lm -lrt -o $work/fuzz-$target
    # shellcheck disable=SC2086
    if ! $work/fuzz-$target -max_total_time="$1" $length -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
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
