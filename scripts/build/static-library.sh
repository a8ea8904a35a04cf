#!/bin/sh
# Makes one object of cargo's static library, in which only entrakey_* can be seen from outside: two Rust libraries in
# one program must not collide, nor ours with another copy of ring. usage: static-library.sh FROM TO
# (The compiler's own notes in it, which go, make a linker's plug-in for another LLVM fail.)
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
keep=$(grep -o 'entrakey_[a-z0-9_]*(' include/entrakey.h | sort -u | sed 's/(//; s/^/-u /')
# shellcheck disable=SC2086
"${LD:-ld}" -r --gc-sections $keep -o "$work/entrakey.o" "$1"
"${OBJCOPY:-objcopy}" --wildcard --keep-global-symbol='entrakey_*' --strip-debug \
    --remove-section=.llvmbc --remove-section=.llvmcmd "$work/entrakey.o"
rm -f "$2"
"${AR:-ar}" rcs "$2" "$work/entrakey.o"
chmod 644 "$2"
