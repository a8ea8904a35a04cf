#!/bin/sh
# Builds hiredis with TLS into .cache/hiredis. Debian's has no TLS; the source package of the Python
# binding carries the whole of hiredis 1.x.
set -eu
out=.cache/hiredis
version=3.5.0
[ -e $out/libhiredis_ssl.a ] && [ -e $out/$version ] && exit 0
rm -rf $out && mkdir -p $out
.venv/bin/pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest $out hiredis==$version
tar -xzf $out/hiredis-$version.tar.gz -C $out --strip-components=3 hiredis-$version/vendor/hiredis
(
    cd $out
    sources="alloc async hiredis net read sds sockcompat ssl"
    for source in $sources; do
        [ -e "$source.c" ] || continue
        "${CC:-cc}" -O2 -std=gnu99 -fPIC -w -c "$source.c" -o "$source.o"
    done
    ar rcs libhiredis_ssl.a ./*.o
    touch $version
)
