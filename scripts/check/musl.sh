#!/bin/sh
# Builds libentrakey for musl and has a Go program that runs with musl get a token by it. By hand, before a release: it fetches
# Rust's target for musl, which nothing else here needs, and on Debian it wants the packages musl and musl-tools.
set -eu
cd "$(dirname "$0")/../.."
target=$(rustc -vV | sed -n 's/^host: //p' | sed 's/-gnu$/-musl/')
loader=$(ls /lib/ld-musl-*.so.1)
rustup target add "$target"
out=$PWD/target/musl
mkdir -p "$out"
# Alpine has a libgcc_s of musl's, Debian has not: Rust brings the same functions along.
echo "GROUP ( $(rustc --print sysroot)/lib/rustlib/$target/lib/self-contained/libunwind.a )" >"$out/libgcc_s.so"
name=$(echo "$target" | tr 'a-z-' 'A-Z_')
env "CC_$(echo "$target" | tr - _)=musl-gcc" "CARGO_TARGET_${name}_LINKER=musl-gcc" \
    "CARGO_TARGET_${name}_RUSTFLAGS=-Ctarget-feature=-crt-static -L$out" \
    cargo build --locked -p entrakey-ffi --target "$target" --target-dir "$out"
cargo build --locked -p entrakey-cli
(cd examples/go/hello && CGO_ENABLED=0 go build -ldflags "-I $loader" -o "$out/hello" .)
scripts/offline.sh sh -c '
    set -eu
    target/debug/entrakey emulator >"$1/environment" & emulator=$!
    trap "kill $emulator" EXIT
    until grep -q REDIS_CA_FILE "$1/environment"; do sleep 0.1; done
    . "$1/environment"
    ENTRAKEY_IDENTITY=managed_identity ENTRAKEY_LIBRARY=$2 "$1/hello"
' sh "$out" "$out/$target/debug/libentrakey.so"
