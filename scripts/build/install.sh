#!/bin/sh
# Installs the C library from a folder that cargo built into, or removes what it installed.
# usage: PREFIX=… [DESTDIR=…] [LIBDIR=…] install.sh FOLDER | --uninstall
# LIBDIR is below PREFIX: lib, lib64, lib/x86_64-linux-gnu.
set -eu
built=$1
prefix=${PREFIX:-/usr/local}
libdir=${LIBDIR:-lib}
into=${DESTDIR:-}$prefix
fail() { echo "install: $1" >&2 && exit 2; }
case $prefix in
/*) ;;
*) fail "PREFIX must be an absolute path, not $prefix" ;;
esac
case $libdir in /* | *..*) fail "LIBDIR must be a path below PREFIX, not $libdir" ;; esac
# pkg-config's and CMake's files cannot quote these characters.
case $prefix$libdir in *[\"\'\\\$\`\;\|\(\)]* | *"
"*) fail "PREFIX and LIBDIR must not contain quotes, brackets, \\ \$ \` ; | or a line break" ;; esac
up=$(echo "$libdir/cmake/entrakey" | sed 's|[^/][^/]*|..|g') # from CMake's files to the prefix
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
abi=$(sed -n 's/^#define ENTRAKEY_ABI //p' include/entrakey.h)
escaped() { printf %s "$1" | sed 's/&/\\&/g'; } # for the right side of sed's s|…|…|

copy() { install -m 644 "$1" "$2"; }
shared() { install -m 755 "$1" "$2"; }
static() { scripts/build/static-library.sh "$1" "$2"; }
link() { ln -sfn "$1" "$2"; }
fill() {
    sed -e "s|@VERSION@|$version|g" -e "s|@ABI@|$abi|g" -e "s|@PREFIX@|$(escaped "$prefix")|g" \
        -e "s|@LIBDIR@|$(escaped "$libdir")|g" -e "s|@UP@|$up|g" "$1" >"$2"
    chmod 644 "$2"
}

# The one list of what there is: how it is made, of what, and where it goes below the prefix.
if [ "$built" = --uninstall ]; then
    place() { rm -f "$into/$3"; }
else
    place() {
        install -d "$(dirname "$into/$3")"
        "$1" "$2" "$into/$3"
    }
fi
place copy include/entrakey.h include/entrakey.h
place copy include/entrakey.hpp include/entrakey.hpp
place shared "$built/libentrakey.so" "$libdir/libentrakey.so.$abi"
place link "libentrakey.so.$abi" "$libdir/libentrakey.so"
place static "$built/libentrakey.a" "$libdir/libentrakey.a"
place fill ffi/install/entrakey.pc.in "$libdir/pkgconfig/entrakey.pc"
place fill ffi/install/entrakey-config.cmake.in "$libdir/cmake/entrakey/entrakey-config.cmake"
place fill ffi/install/entrakey-config-version.cmake.in "$libdir/cmake/entrakey/entrakey-config-version.cmake"
place fill ffi/install/entrakey.3.in share/man/man3/entrakey.3
for text in LICENSE-MIT LICENSE-APACHE THIRD-PARTY-NOTICES; do
    place copy $text share/doc/entrakey/$text
done
if [ "$built" = --uninstall ]; then
    # Only these folders are ours; the others are shared with other packages.
    rmdir "$into/$libdir/cmake/entrakey" "$into/share/doc/entrakey" 2>/dev/null || :
fi
