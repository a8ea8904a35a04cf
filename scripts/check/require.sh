#!/bin/sh
# Says what a command downloads and roughly how long it takes, and in one line what is missing, before anything is built:
# require.sh, or require.sh test for what only the tests need.
if [ ! -e target/debug/entrakey ] && [ "${MAKELEVEL:-0}" -le 1 ]; then # not again for a part of a longer command
    case ${1:-} in
    test) what="Go modules and Maven artifacts, and on Debian, as root, packages (libssl-dev, redis-server, clang, valgrind, cmake, musl, PHP and Ruby with their Redis clients, PostgreSQL, Chromium)" time=45 ;;
    *) what="on Debian, as root, the packages libssl-dev and redis-server" time=8 ;;
    esac
    echo "entrakey: the first time this downloads and builds Rust crates (into target/), Python packages (.venv), npm packages" >&2
    echo "(node_modules), hiredis and libvalkey (.cache); $what. About $time minutes on two cores." >&2
fi
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

# The tests put the emulator's gate in front of a real server.
if ! command -v redis-server >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "redis-server is missing; as root, this installs Debian's package" >&2
    # RUNLEVEL=1: it is not to run by itself.
    apt-get update -qq && RUNLEVEL=1 apt-get install -y -qq --no-install-recommends redis-server >/dev/null
fi
command -v redis-server >/dev/null || fail "redis-server is missing (Debian: apt-get install redis-server)."

# The other packages that the tests and the benchmark need.
install() { # for root on Debian; else the messages below say what to do
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "missing: $*; as root, this installs Debian's packages" >&2
        apt-get update -qq && apt-get install -y -qq "$@" >/dev/null
    fi
}
# What the proxy is measured beside. (RUNLEVEL=1: it is not to run by itself.)
if [ "${1:-}" = bench ]; then
    PATH=$PATH:/usr/sbin
    for tool in stunnel4 haproxy redis-benchmark openssl; do
        package=$(echo $tool | sed s/redis-benchmark/redis-tools/)
        command -v $tool >/dev/null || RUNLEVEL=1 install --no-install-recommends "$package"
        command -v $tool >/dev/null || fail "$tool is missing (Debian: apt-get install $package)."
    done
fi

[ -n "${1:-}" ] || exit 0
command -v go >/dev/null || fail "Go 1.26 or newer is missing, which go-redis needs."
GOTOOLCHAIN=local go version | awk '{ sub("go", "", $3); split($3, part, "."); exit !(part[1] > 1 || part[2] >= 26) }' ||
    fail "Go 1.26 or newer is needed, for go-redis."

[ "$1" = test ] || exit 0
# Clients of other languages, which tests/peers runs against the emulator.
command -v mvn >/dev/null || fail "Maven is missing, for the tests of Jedis and Lettuce (Debian: apt-get install maven)."
command -v java >/dev/null || fail "Java 17 or newer is missing, for the tests of Jedis and Lettuce (Debian: apt-get install openjdk-17-jdk-headless)."
java -version 2>&1 | sed -n '1s/.*"\([0-9]*\)[."].*/\1/p' | awk '{ exit !($1 >= 17) }' || fail "Java 17 or newer is needed, for the tests of Jedis and Lettuce."
command -v javac >/dev/null || fail "the Java compiler is missing, for the tests of Jedis and Lettuce (Debian: apt-get install openjdk-17-jdk-headless)."

# The proof of the C library: a second compiler with sanitizers and a fuzzer, valgrind, and what strangers build with.
for tool in clang valgrind cmake pkg-config; do
    command -v $tool >/dev/null || install $tool
    command -v $tool >/dev/null || fail "$tool is missing (Debian: apt-get install $tool)."
done
fuzzer() { echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' | clang -x c -fsanitize=fuzzer,address - -o /dev/null 2>/dev/null; }
runtime=libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev # Debian has it in a package of its own
fuzzer || install "$runtime"
fuzzer || fail "clang's sanitizers are missing (Debian: apt-get install $runtime)."

# The Go module says what a library for glibc lacks where a program runs with musl.
musl() { ls /lib/ld-musl-*.so.1 >/dev/null 2>&1; }
musl || install musl
musl || fail "musl's loader is missing, for the tests of the Go modules (Debian: apt-get install musl)."

# Clients that go through `entrakey proxy` (tests/proxy). Debian's packages: redis-rb before 5, Sidekiq before 7.
command -v redis-cli >/dev/null || install redis-tools
command -v redis-cli >/dev/null || fail "redis-cli is missing, for the tests of the proxy (Debian: apt-get install redis-tools)."
php_clients() { php -r "require 'Predis/Autoloader.php'; exit(extension_loaded('redis') && extension_loaded('pcntl') ? 0 : 1);"; }
ruby_clients() { ruby -e "require 'redis'; require 'sidekiq'; exit(Redis::VERSION < '5' && Sidekiq::VERSION < '7')" 2>/dev/null && command -v sidekiq; }
php_clients >/dev/null 2>&1 || install --no-install-recommends php-cli php-redis php-nrk-predis
php_clients >/dev/null 2>&1 || fail "PHP with phpredis and Predis is missing, for the tests of the proxy (Debian: apt-get install php-cli php-redis php-nrk-predis)."
ruby_clients >/dev/null || install --no-install-recommends ruby ruby-redis ruby-sidekiq
ruby_clients >/dev/null || fail "Ruby with redis-rb 4 and Sidekiq 6 is missing, for the tests of the proxy (Debian: apt-get install ruby ruby-redis ruby-sidekiq)."

# What several replicas of `entrakey leases` share. The tests start one of their own. (RUNLEVEL=1: it is not to run by itself.)
postgres() { ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null; }
postgres || RUNLEVEL=1 install --no-install-recommends postgresql
postgres || fail "PostgreSQL is missing, for the tests of leases (Debian: apt-get install postgresql)."

# The dashboard of `entrakey leases` (tests/dashboard), over TLS too. The fonts are for its pictures.
for tool in chromium openssl; do
    fonts=$(echo $tool | sed -n s/chromium/fonts-dejavu-core/p)
    [ $tool != chromium ] || [ -z "${CHROMIUM:-}" ] || continue # another one
    command -v $tool >/dev/null || install --no-install-recommends $tool $fonts
    command -v $tool >/dev/null || fail "$tool is missing, for the tests of the dashboard (Debian: apt-get install $tool)."
done
