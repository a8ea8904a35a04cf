#!/bin/sh
# Builds the Go program of `make demo` where there is a Go that is new enough; the demonstration goes without it elsewhere.
set -eu
cd "$(dirname "$0")/../.."
to=$PWD/target/examples-go
mkdir -p "$to"
if GOTOOLCHAIN=local go version 2>/dev/null | awk '{ sub("go", "", $3); split($3, part, "."); exit !(part[1] > 1 || part[2] >= 26) }'; then
    cd examples/go/live
    CGO_ENABLED=0 go build -o "$to/live" .
else
    rm -f "$to/live"
fi
