#!/bin/sh
# Runs a command where only loopback exists, so that no test can reach another address, and without the variables of the
# caller's shell that name identities, proxies or certificates, so that the command ends the same for everybody.
# Where the machine does not permit a network namespace, the command runs without one, and a message says so.
foreign=$(sed '/^#/d; s/\*$/.*/' "$(dirname "$0")/../tests/foreign-variables.txt")
for name in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p' | grep -ixe "$foreign"); do
    case $name in
    ENTRAKEY_BIN | ENTRAKEY_CASE) ;; # which emulator is to be tested, and with which of tests/vectors
    *) unset "$name" ;;
    esac
done
# Some clients ask the system for a proxy when no variable names one.
unset no_proxy
export NO_PROXY=127.0.0.1,localhost
if [ "$(id -u)" = 0 ]; then isolate="unshare --net"; else isolate="unshare --map-root-user --net"; fi
if $isolate sh -c 'ip link set lo up' 2>/dev/null; then
    exec $isolate sh -c 'ip link set lo up && exec "$@"' sh "$@"
fi
echo "note: no network namespace can be made here, so nothing but the tests themselves keeps them on loopback" >&2
exec "$@"
