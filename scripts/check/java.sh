#!/bin/sh
# The tests of the native library and of the Java modules, after scripts/build/java-package.sh. `java.sh -Dtest=Name -Dsurefire.failIfNoSpecifiedTests=false` runs some.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
built=${CARGO_TARGET_DIR:-$root/target}/debug
export ENTRAKEY_BIN="$built/entrakey"
(cd "$root" && cargo test --quiet --locked --offline -p entrakey-java)
exec mvn --batch-mode --offline --no-transfer-progress --file "$root/bindings/java" "-Dentrakey.library=$built/libentrakey_java.so" test "$@"
