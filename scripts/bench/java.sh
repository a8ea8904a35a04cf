#!/bin/sh
# The Java part of `make bench`: the library's calls beside a native call that does nothing, in one run (JMH). After
# scripts/build/java-package.sh and a release build of entrakey-java.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
built=$root/target/java/entrakey-bench
library=${CARGO_TARGET_DIR:-$root/target}/release/libentrakey_java.so
java "-Dentrakey.library=$library" -cp "$built/classes:$(cat "$built/class-path")" org.openjdk.jmh.Main -rf csv -rff "$built/calls.csv" "$@" >"$built/log" 2>&1 ||
    { cat "$built/log"; exit 1; }
awk -F, '
    NR > 1 { gsub("\"", ""); name = $1; sub(".*\\.", "", name); value[name] = $5 }
    function row(what, name, beside, of) {
        printf "%-58s %12.1f ns", what, value[name]
        if (beside) printf "   %.2f of %s", value[name] / beside, of
        printf "\n"
    }
    END {
        print "Java (means)"
        floor = value["nativeCallThatDoesNothing"]
        row("a native call that does nothing", "nativeCallThatDoesNothing")
        row("version()", "version", floor, "a native call that does nothing")
        row("getToken(), from memory", "cachedToken", floor, "a native call that does nothing")
        row("two texts out of bytes", "allocation")
        row("a new token copied out of the library", "copy", floor + value["allocation"], "a native call and two texts")
    }' "$built/calls.csv"
echo "$(stat -c %s "$library") bytes: $(basename "$library"), stripped"
