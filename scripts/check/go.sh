#!/bin/sh
# The tests of the Go modules, all side by side, without cgo and with cgo and the race detector: most of them wait for tokens to
# expire. What computes goes first. `go.sh -run Name` runs some of them.
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
    CGO_ENABLED=0 go build ./...
    CGO_ENABLED=1 go build -race ./...
done

outputs=$(mktemp -d)
running=
end() { # what runs is one session for each module, with go's own children in it
    for process in $running; do kill -- "-$process" 2>/dev/null || true; done
    rm -rf "$outputs"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
start() { # a module, CGO_ENABLED, then what go test is given
    cd "$root/bindings/go/$1"
    output="$outputs/$1.$2"
    export CGO_ENABLED="$2"
    shift 2
    setsid go test -count=1 "$@" ./... >"$output" 2>&1 &
    running="$running $!"
}
for module in $modules; do
    start "$module" 0 "$@"
    start "$module" 1 -race "$@"
done

failed=0
for module in $modules; do
    for cgo in 0 1; do
        process=${running# }
        process=${process%% *}
        wait "$process" || failed=1
        running=${running#" $process"}
        cat "$outputs/$module.$cgo"
    done
done
exit $failed
