#!/bin/sh
# The Go part of `make bench`: the library's calls beside calls that do nothing and beside azidentity, in one run.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
export ENTRAKEY_LIBRARY="${CARGO_TARGET_DIR:-$root/target}/release/libentrakey.so"
export ENTRAKEY_BIN="${CARGO_TARGET_DIR:-$root/target}/debug/entrakey"
export GOFLAGS=-mod=readonly GOPROXY=off
measure() {
    (cd "$root/bindings/go/$1" && CGO_ENABLED=1 go test -run '^$' -bench . -count "${ROUNDS:-5}" ./...)
}
{ measure entrakey && measure entrakeyredisentraid; } | awk '
    /^Benchmark/ {
        sub("-[0-9]+$", "", $1); name = substr($1, 10)
        values[name, ++count[name]] = $3
        for (field = 5; field < NF; field += 2) extra[name, $(field + 1)] = $field
    }
    function median(name,    n, i, j, held, sorted) {
        n = count[name]
        for (i = 1; i <= n; i++) sorted[i] = values[name, i]
        for (i = 2; i <= n; i++) for (j = i; j > 1 && sorted[j] < sorted[j - 1]; j--) { held = sorted[j]; sorted[j] = sorted[j - 1]; sorted[j - 1] = held }
        return sorted[int((n + 1) / 2)]
    }
    function row(what, name, beside, of) {
        printf "%-58s %12.1f ns", what, median(name)
        if (beside) printf "   %.2f of %s", median(name) / median(beside), of
        printf "\n"
    }
    END {
        print "Go (medians)"
        row("a call that does nothing, by SyscallN", "Floor")
        row("a call that does nothing, by cgo", "CgoFloor")
        row("Version()", "Version", "Floor", "SyscallN")
        row("Token(), from memory", "CachedToken", "AzidentityCached", "azidentity")
        row("a new token copied out of the library", "Copy", "Floor", "SyscallN")
        row("azidentity, from memory", "AzidentityCached")
        row("a process with one token, start to end", "ColdStart", "StartOfAProcess", "a process that does nothing")
        row("10,000 goroutines that find no token", "TenThousandWaiting")
        printf "%-58s %12s requests, %s threads\n", "", extra["TenThousandWaiting", "requests/op"], extra["TenThousandWaiting", "threads"]
    }'
