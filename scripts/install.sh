#!/bin/sh
# Installs the C library from a folder that cargo built into. usage: PREFIX=… [DESTDIR=…] [LIBDIR=…] install.sh FOLDER
# LIBDIR is below PREFIX: lib, lib64, lib/x86_64-linux-gnu.
set -eu
built=$1
prefix=${PREFIX:-/usr/local}
libdir=${LIBDIR:-lib}
into=${DESTDIR:-}$prefix
case $prefix in /*) ;; *) echo "install: PREFIX must be an absolute path, not $prefix" >&2 && exit 2 ;; esac
case $libdir in /* | *..*) echo "install: LIBDIR must be a path below PREFIX, not $libdir" >&2 && exit 2 ;; esac
up=$(echo "$libdir/cmake/entrakey" | sed 's|[^/][^/]*|..|g') # from CMake's files to the prefix
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
abi=$(sed -n 's/^#define ENTRAKEY_ABI //p' include/entrakey.h)

fill() { # template, target
    sed -e "s|@VERSION@|$version|g" -e "s|@ABI@|$abi|g" -e "s|@PREFIX@|$prefix|g" -e "s|@LIBDIR@|$libdir|g" -e "s|@UP@|$up|g" "$1" >"$2"
    chmod 644 "$2"
}

install -d "$into/include" "$into/$libdir/pkgconfig" "$into/$libdir/cmake/entrakey"
install -m 644 include/entrakey.h include/entrakey.hpp "$into/include/"
install -m 755 "$built/libentrakey.so" "$into/$libdir/libentrakey.so.$abi"
ln -sfn "libentrakey.so.$abi" "$into/$libdir/libentrakey.so"
scripts/static-library.sh "$built/libentrakey.a" "$into/$libdir/libentrakey.a"
fill ffi/install/entrakey.pc.in "$into/$libdir/pkgconfig/entrakey.pc"
fill ffi/install/entrakey-config.cmake.in "$into/$libdir/cmake/entrakey/entrakey-config.cmake"
fill ffi/install/entrakey-config-version.cmake.in "$into/$libdir/cmake/entrakey/entrakey-config-version.cmake"
