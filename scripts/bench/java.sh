#!/bin/sh
# The Java part of `make bench`: the library's calls beside a native call that does nothing and beside msal4j and azure-identity, in one
# run (JMH); how soon a new process has its first token; what comes onto the class path. After scripts/build/java-package.sh and a
# release build of entrakey-java. Arguments go to JMH.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
built=$root/target/java/entrakey-bench
target=${CARGO_TARGET_DIR:-$root/target}
library=$target/release/libentrakey_java.so
path="$built/classes:$(cat "$built/class-path")"
java "-Dentrakey.library=$library" -cp "$path" org.openjdk.jmh.Main -rf csv -rff "$built/calls.csv" "$@" >"$built/log" 2>&1 ||
    { cat "$built/log"; exit 1; }
awk -F, '
    NR > 1 { gsub("\"", ""); name = $1; sub(".*\\.", "", name); value[name] = $5 }
    function row(what, name, beside, of) {
        if (!(name in value)) return
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
        row("current()", "current", floor, "a native call that does nothing")
        row("two texts out of bytes", "allocation")
        row("a new token copied out of the library, once for each", "copy", floor + value["allocation"], "a native call and two texts")
        row("msal4j, from memory", "msal4j", value["cachedToken"], "getToken()")
        row("azure-identity, from memory", "azureIdentity", value["cachedToken"], "getToken()")
    }' "$built/calls.csv"

# The least of some runs: what is not ours is noise.
RUNS=7
emulator=$built/emulator.env
: >"$emulator"
"$target/debug/entrakey" emulator --format=env --quiet >"$emulator" &
trap 'kill $! 2>/dev/null' EXIT
while ! grep -q ENTRAKEY_CA_FILE "$emulator"; do sleep 0.1; done
set -a
. "$emulator"
eval "$("$target/debug/entrakey" control environment kind=app_service format=shell)"
set +a
first="$built/first-token"
for who in nothing entrakey msal4j azure-identity; do
    : >"$first"
    for _ in $(seq $RUNS); do
        before=$(date +%s%N)
        inside=$(java -Xshare:auto -XX:TieredStopAtLevel=1 "-Dentrakey.library=$library" -cp "$path" entrakey.FirstToken $who 2>>"$built/log") ||
            { cat "$built/log"; exit 1; }
        echo "$((($(date +%s%N) - before) / 1000000)) $inside" >>"$first"
    done
    awk -v who="a new process that gets a token by $who, and ends" '
        NR == 1 || $1 < all { all = $1 }
        NR == 1 || $2 < token { token = $2 }
        END { printf "%-58s %12d ms   %7.1f from main to the token\n", who, all, token }' "$first"
done

sizes() { # of the jars of the class path whose names match
    tr : '\n' <"$built/class-path" | grep '\.jar$' | grep -E "$1" | xargs stat -L -c %s | awk '{ all += $1 } END { printf "%12d", all }'
}
jar --create --file "$built/own.jar" -C "$root/target/java/entrakey/classes" .
jar --create --file "$built/native.jar" -C "$(dirname "$library")" "$(basename "$library")"
own=$(($(stat -c %s "$built/own.jar") + $(stat -c %s "$built/native.jar")))
printf '%-58s %12d bytes in 2 jars (%s is %s)\n' "on the class path for entrakey" "$own" "$(basename "$library")" "$(stat -c %s "$library")"
printf '%-58s %s bytes in 3 jars\n' "for msal4j" "$(sizes '/(msal4j-[0-9]|azure-json|slf4j-api)')"
others='/(jmh-|jopt-|commons-math3|slf4j-nop)' # the bench's own
printf '%-58s %s bytes in %d jars\n' "for azure-identity" \
    "$(tr : '\n' <"$built/class-path" | grep '\.jar$' | grep -vE "$others" | xargs stat -L -c %s | awk '{ all += $1 } END { printf "%12d", all }')" \
    "$(tr : '\n' <"$built/class-path" | grep '\.jar$' | grep -cvE "$others")"
