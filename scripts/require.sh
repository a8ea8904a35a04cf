#!/bin/sh
# Says in one line what is missing before anything is built.
fail() {
    echo "entrakey: $1" >&2
    exit 1
}

command -v cargo >/dev/null || fail "Rust is missing: install it with rustup (https://rustup.rs), then run this again."
command -v "${CC:-cc}" >/dev/null || fail "a C compiler is missing: install gcc or clang (Debian: apt-get install build-essential)."
command -v "${PYTHON:-python3}" >/dev/null || fail "Python 3.9 or newer is missing (Debian: apt-get install python3 python3-venv)."
"${PYTHON:-python3}" -c 'import sys; sys.exit(sys.version_info < (3, 9))' || fail "Python 3.9 or newer is needed; set PYTHON=… to one."
"${PYTHON:-python3}" -c 'import venv, ensurepip' 2>/dev/null || fail "Python's venv module is missing (Debian: apt-get install python3-venv)."
command -v node >/dev/null || fail "Node.js 20 or newer is missing."
command -v npm >/dev/null || fail "npm is missing; it comes with Node.js."
node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' || fail "Node.js 20 or newer is needed."

# hiredis with TLS needs OpenSSL's headers. (The library itself needs no OpenSSL.)
openssl_headers() { echo '#include <openssl/ssl.h>' | "${CC:-cc}" -E - >/dev/null 2>&1; }
if ! openssl_headers && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "OpenSSL's headers are missing; as root, this installs Debian's package libssl-dev" >&2
    apt-get update -qq && apt-get install -y -qq libssl-dev >/dev/null
fi
openssl_headers || fail "OpenSSL's headers are missing (Debian: apt-get install libssl-dev; Fedora: dnf install openssl-devel)."

# The C library's proof: a second compiler with sanitizers and a fuzzer, valgrind, and what strangers build with.
missing=""
for tool in clang valgrind cmake pkg-config; do
    command -v $tool >/dev/null || missing="$missing $tool"
done
# Debian has the sanitizers of a clang in a package beside it.
fuzzer() { [ -e "$(clang -print-file-name=libclang_rt.fuzzer-x86_64.a)" ] || [ -e "$(clang -print-runtime-dir)/libclang_rt.fuzzer-$(uname -m).a" ]; }
packages=$missing
command -v clang >/dev/null && fuzzer || packages="$missing clang libclang-rt-14-dev"
if [ -n "$packages" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "missing for the tests of the C library:$packages; as root, this installs Debian's packages" >&2
    apt-get update -qq && apt-get install -y -qq $packages >/dev/null
fi
for tool in clang valgrind cmake pkg-config; do
    command -v $tool >/dev/null || fail "$tool is missing (Debian: apt-get install $tool)."
done
fuzzer || fail "clang's sanitizers are missing (Debian: apt-get install libclang-rt-dev, or the one of clang's version)."
