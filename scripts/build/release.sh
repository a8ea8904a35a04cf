#!/bin/sh
# Runs a build whose result is given to others: no path of this machine is left in it, and its C parts (ring's) are
# hardened. usage: release.sh COMMAND…
# What the caller has in RUSTFLAGS and CFLAGS is kept: distributions have their own.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd -P)
cargo_home=${CARGO_HOME:-$HOME/.cargo}
sysroot=$(rustc --print sysroot)
separator=$(printf '\037') # between flags that may contain blanks
flags=${CARGO_ENCODED_RUSTFLAGS:-$(printf %s "${RUSTFLAGS:-}" | tr -s ' ' '\037')}
# The last prefix that matches counts, so the folder that may contain the others comes first.
for pair in "$HOME=/home" "$sysroot/lib/rustlib/src/rust=/rust" "$cargo_home/registry/src=/crates" "$root=/entrakey"; do
    flags="$flags${flags:+$separator}--remap-path-prefix=$pair"
done
export CARGO_ENCODED_RUSTFLAGS="$flags"
unset RUSTFLAGS
hardened="-fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -ffile-prefix-map=$cargo_home/registry/src=/crates"
export CFLAGS="$hardened ${CFLAGS:-}"
exec "$@"
