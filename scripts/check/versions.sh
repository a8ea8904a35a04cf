#!/bin/sh
# One version number for every package: the workspace's.
set -eu
workspace=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
status=0
check() { # where, version
    if [ "$2" = "$workspace" ]; then echo "ok   $1 $2"; else echo "FAIL $1 is $2, the workspace is $workspace" >&2; status=1; fi
}
for name in $(cargo metadata --locked --no-deps --format-version 1 | tr ',' '\n' | sed -n 's/.*"version":"\([^"]*\)".*/\1/p' | sort -u); do
    check "crates" "$name"
done
check "bindings/node/package.json" "$(node -p 'require("./bindings/node/package.json").version')"
check "bindings/node/package-lock.json" "$(node -p 'require("./bindings/node/package-lock.json").version')"
for module in bindings/go/entrakeygoredis bindings/go/entrakeyrueidis bindings/go/entrakeyvalkey bindings/go/entrakeyredisentraid examples/go/hello examples/go/live; do
    for required in $(sed -n 's|.*entrakey.invalid/go/[a-z]* v\([^ ]*\)$|\1|p' $module/go.mod); do check "$module/go.mod" "$required"; done
done
check "cli/npm/package.json" "$(node -p 'require("./cli/npm/package.json").version')"
for pom in bindings/java/pom.xml bindings/java/*/pom.xml examples/java/pom.xml; do # the parent's, or a module's own, comes first
    check "$pom" "$(sed -n 's|.*<version>\(.*\)</version>.*|\1|p' "$pom" | head -1)"
done
exit $status
