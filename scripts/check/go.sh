#!/bin/sh
# The tests of the Go modules, without cgo and, side by side, with cgo and the race detector: most of them wait for tokens to
# expire. `go.sh -run Name` runs some of them.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
export ENTRAKEY_LIBRARY="${CARGO_TARGET_DIR:-$root/target}/debug/libentrakey.so"
export ENTRAKEY_BIN="${CARGO_TARGET_DIR:-$root/target}/debug/entrakey"
"$root/scripts/build/go-valkey.sh" --check
export GOFLAGS=-mod=readonly GOPROXY=off
modules="entrakey entrakeygoredis entrakeyrueidis entrakeyvalkey entrakeyredisentraid"
for module in $modules; do
    cd "$root/bindings/go/$module"
    test -z "$(gofmt -l .)" || { gofmt -d . && exit 1; }
    go vet ./...
done
tests() { # with or without cgo, then what go test is given
    export CGO_ENABLED=$1 && shift
    for module in $modules; do
        (cd "$root/bindings/go/$module" && go test -count=1 "$@" ./...) || return 1
    done
}
without=$(mktemp)
trap 'rm -f "$without"' EXIT
tests 0 "$@" >"$without" 2>&1 &
tests 1 -race "$@" || { cat "$without"; exit 1; }
wait $! || { cat "$without"; exit 1; }
cat "$without"
