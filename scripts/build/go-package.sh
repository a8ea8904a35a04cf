#!/bin/sh
# Puts the library of this platform into the Go module, which embeds it: what a release does on each platform before it tags.
set -eu
cd "$(dirname "$0")/../.."
architecture=$(go env GOARCH)
folder=bindings/go/entrakey/internal/native/library/linux_$architecture
test -d "$folder" || { echo "entrakey: the Go module embeds no library for linux/$architecture" >&2; exit 1; }
scripts/build/release.sh cargo build --locked --release -p entrakey-ffi
cp "${CARGO_TARGET_DIR:-target}/release/libentrakey.so" "$folder/libentrakey.so"
echo "$folder/libentrakey.so"
