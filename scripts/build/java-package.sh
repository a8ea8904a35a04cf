#!/bin/sh
# Builds the native library for Java and compiles the Java modules, their tests and examples; fetches what Maven needs, so that the tests
# need no network. `java-package.sh release` makes the jars that are published instead, with the library of this platform.
set -eu
cd "$(dirname "$0")/../.."
maven() { # first from what an earlier run downloaded; if that fails, the second run downloads and shows any error
    mvn --batch-mode --quiet --offline --file bindings/java "$@" >/dev/null 2>&1 || mvn --batch-mode --quiet --file bindings/java "$@"
}
if [ "${1:-}" = release ]; then
    case $(uname -s) in Linux) system=linux suffix=.so ;; Darwin) system=osx suffix=.dylib ;; *) echo "entrakey: no platform of ours: $(uname -s)" >&2; exit 1 ;; esac
    case $(uname -m) in
    aarch64 | arm64) platform=$system-aarch_64 ;;
    x86_64 | amd64) platform=$system-x86_64 ;;
    *) echo "entrakey: no platform of ours: $(uname -m)" >&2; exit 1 ;;
    esac
    if ldd --version 2>&1 | grep -qi musl; then platform=$platform-musl; fi
    scripts/build/release.sh cargo build --locked --release -p entrakey-java
    packed=target/java/native/META-INF/native/$platform
    mkdir -p "$packed"
    strip -x -o "$packed/libentrakey_java$suffix" "${CARGO_TARGET_DIR:-target}/release/libentrakey_java$suffix"
    maven -Ppackage -DskipTests "-Dentrakey.platform=$platform" --projects '!:entrakey-bench,!:entrakey-tests,!:entrakey-examples' package
    for jar in target/java/entrakey*/*.jar; do
        echo "$jar"
        if jar --list --verbose --file "$jar" | awk '$1 == 0 && $NF !~ "/$" { print "entrakey: empty: " $NF; empty = 1 } END { exit !empty }'; then exit 1; fi
    done
    exit
fi
cargo build --locked -p entrakey-cli -p entrakey-java
cargo test --quiet --locked -p entrakey-java --no-run
# surefire:test without a test fetches what runs them.
maven -DskipTests test-compile surefire:test
