#!/bin/sh
# Installs what the Node.js package's tests and examples need, and builds its addon.
set -eu
for folder in bindings/node examples/node; do
    installed=$folder/node_modules/.package-lock.json
    if [ ! -e $installed ] || [ $folder/package-lock.json -nt $installed ]; then
        (cd $folder && npm ci --no-audit --no-fund --loglevel=error)
    fi
done
cd bindings/node && node build.mjs
