#!/bin/sh
# Builds the Java program of `make demo` where there is Java 17 with Maven; the demonstration goes without it elsewhere.
set -eu
cd "$(dirname "$0")/../.."
if command -v mvn >/dev/null && javac --release 17 --version >/dev/null 2>&1; then
    cargo build --locked -p entrakey-java
    maven="mvn --batch-mode --quiet --file bindings/java --projects ../../examples/java --also-make compile"
    $maven --offline >/dev/null 2>&1 || $maven
else
    rm -rf target/java/entrakey-examples
fi
