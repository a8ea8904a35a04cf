#!/bin/sh
# Builds the C clients with TLS into .cache: hiredis (Debian's has no TLS) and libvalkey. Each comes from the source
# package of its Python binding, which carries the whole of it.
set -eu

# client NAME VERSION LIBRARY FLAGS SOURCE…
client() {
    name=$1 version=$2 library=$3 flags=$4
    shift 4
    out=.cache/$name
    [ -e "$out/$library" ] && [ -e "$out/$version" ] && return
    rm -rf "$out" && mkdir -p "$out"
    .venv/bin/pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest "$out" "$name==$version"
    tar -xzf "$out/$name-$version.tar.gz" -C "$out" --strip-components=3 "$name-$version/vendor/$name"
    (
        cd "$out"
        for source in "$@"; do
            # The flags are several words.
            # shellcheck disable=SC2086
            "${CC:-cc}" -O2 -std=gnu99 -fPIC -w $flags -c "$source.c" -o "$(basename "$source").o"
        done
        ar rcs "$library" ./*.o
        touch "$version"
    )
}

client hiredis 3.5.0 libhiredis_ssl.a "" alloc async hiredis net read sds sockcompat ssl
client libvalkey 4.2.1 libvalkey_tls.a "-Iinclude -Iinclude/valkey -Isrc" \
    src/alloc src/async src/conn src/dict src/dns src/net src/read src/sds src/sockcompat src/timer src/tls src/valkey src/vkutil
