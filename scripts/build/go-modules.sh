#!/bin/sh
# Fetches what the Go modules depend on, so that their tests need no network.
set -eu
cd "$(dirname "$0")/../../bindings/go"
for module in entrakey entrakeygoredis entrakeyrueidis entrakeyvalkey entrakeyredisentraid ../../examples/go/hello ../../examples/go/live; do
    (cd "$module" && go mod download && go mod verify >/dev/null)
done
