#!/bin/sh
# The tests of the Go modules, without cgo and then with cgo and the race detector. `go.sh -run Name` runs some of them.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
export ENTRAKEY_LIBRARY="${CARGO_TARGET_DIR:-$root/target}/debug/libentrakey.so"
export ENTRAKEY_BIN="${CARGO_TARGET_DIR:-$root/target}/debug/entrakey"
"$root/scripts/build/go-valkey.sh" --check
export GOFLAGS=-mod=readonly GOPROXY=off
for module in entrakey entrakeygoredis entrakeyrueidis entrakeyvalkey entrakeyredisentraid; do
    cd "$root/bindings/go/$module"
    test -z "$(gofmt -l .)" || { gofmt -d . && exit 1; }
    go vet ./...
    CGO_ENABLED=0 go test -count=1 "$@" ./...
    CGO_ENABLED=1 go test -count=1 -race "$@" ./...
done
