#!/bin/sh
# What ships must contain no async runtime, no OpenSSL and no aws-lc, and stay under its size.
set -eu
LIMIT_BYTES=4194304 # 4 MiB, stripped
status=0

for package in entrakey-core entrakey-ffi entrakey-python entrakey-node entrakey-java; do
    tree=$(cargo tree --locked --quiet -p $package -e normal,build --target all --prefix none --format '{p}')
    for banned in openssl-sys aws-lc-sys tokio reqwest; do
        if echo "$tree" | grep -q "^$banned "; then
            echo "FAIL $package depends on $banned; see: cargo tree -p $package -i $banned" >&2
            status=1
        fi
    done
    echo "ok   $package: $(echo "$tree" | sed 's/ (\*)$//' | sort -u | wc -l) crates, none of openssl-sys, aws-lc-sys, tokio, reqwest"
done

scripts/build/release.sh cargo build --locked --quiet --release -p entrakey-ffi
library=target/release/libentrakey.so
size=$(stat -c %s $library)
echo "     $library, stripped: $size bytes, $((size * 100 / LIMIT_BYTES)) % of the $LIMIT_BYTES allowed"
if [ "$size" -gt $LIMIT_BYTES ]; then
    echo "FAIL $library is larger than $LIMIT_BYTES bytes" >&2
    status=1
fi
# No path of the build machine, for privacy and so that builds of the same sources in two places are identical.
for path in "$PWD" "$HOME" "${CARGO_HOME:-$HOME/.cargo}"; do
    if grep -qaF "$path/" $library; then
        echo "FAIL $library says where it was built: it contains $path/" >&2
        status=1
    fi
done
exit $status
