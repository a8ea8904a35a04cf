#!/bin/sh
# Builds the C library, and what of the proxy is fuzzed, with a sanitizer in our own code and all its dependencies, into
# target/address and target/thread. RUSTC_BOOTSTRAP lets the stable compiler take the flag. Rust's standard library stays
# as it was shipped: to instrument it needs its sources, and a nightly compiler.
set -eu
target=$(rustc -vV | sed -n 's/^host: //p') # naming it keeps the flags away from build scripts and macros
sanitized() { # sanitizer, more flags for the compiler, package, more for cargo
    # shellcheck disable=SC2086
    RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=$1 -Cunsafe-allow-abi-mismatch=sanitizer $2" \
        cargo build --locked --quiet -p $3 $4 --target "$target" --target-dir "target/$1"
    ln -sfn "$target/debug" "target/$1/built"
}
# Counters for the fuzzers, which follow them; they do not change what the sanitizers see.
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=3"
coverage="$coverage -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
# Together, so that what both depend on is built once; what of the proxy is fuzzed is in entrakey-fuzz.
sanitized address "$coverage" entrakey-ffi "-p entrakey-fuzz"
sanitized thread "" entrakey-ffi "--features thread-sanitizer"
# ThreadSanitizer has to be the compiler's own: clang's may lack functions that it calls.
ln -sfn "$(ls "$(rustc --print sysroot)/lib/rustlib/$target"/lib/librustc*_rt.tsan.a)" target/thread/runtime.a
