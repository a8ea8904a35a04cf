#!/bin/sh
# Builds libvalkey with TLS into .cache/libvalkey, from the source package of its Python binding, which carries it whole.
set -eu
out=.cache/libvalkey
version=4.2.1
[ -e $out/libvalkey_tls.a ] && [ -e $out/$version ] && exit 0
rm -rf $out && mkdir -p $out
.venv/bin/pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest $out libvalkey==$version
tar -xzf $out/libvalkey-$version.tar.gz -C $out --strip-components=3 libvalkey-$version/vendor/libvalkey
(
    cd $out
    for source in alloc async conn dict dns net read sds sockcompat timer tls valkey vkutil; do
        "${CC:-cc}" -O2 -std=gnu99 -fPIC -w -Iinclude -Iinclude/valkey -Isrc -c "src/$source.c" -o "$source.o"
    done
    ar rcs libvalkey_tls.a ./*.o
    touch $version
)
