#!/bin/sh
# Runs README's commands as a machine would on which nothing was ever built: a clean clone of what is committed, an empty
# home, so that cargo, pip, npm, Maven and Go have downloaded nothing, and, where the kernel permits it, clocks that say
# that the machine started a minute ago. Run it before each release; it takes the better part of an hour.
# usage: fresh-machine.sh [make's goals; demo and test if none are given]
# Packages of the system stay as they are: for a system without them run this in a folder made by debootstrap.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd -P)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || set -- demo test

git clone --quiet "$root" "$work/entrakey"
mkdir "$work/home"
# The tools themselves, and how this machine reaches the registries, are not what is tried.
rustup=${RUSTUP_HOME:-$HOME/.rustup}
[ ! -e "$HOME/.npmrc" ] || cp "$HOME/.npmrc" "$work/home/"

young=
uptime=$(cut -d. -f1 /proc/uptime)
offset=$((60 - uptime))
if [ "$offset" -lt 0 ] && unshare --time --boottime "$offset" --monotonic "$offset" true 2>/dev/null; then
    young="unshare --time --boottime $offset --monotonic $offset --fork"
else
    echo "note: the clocks stay as they are: this machine permits no time namespace" >&2
fi

cd "$work/entrakey"
for goal in "$@"; do
    echo "fresh-machine: make $goal"
    # shellcheck disable=SC2086
    env HOME="$work/home" CARGO_HOME="$work/home/cargo" RUSTUP_HOME="$rustup" GOPATH="$work/home/go" \
        GOCACHE="$work/home/go-build" GOFLAGS=-modcacherw PIP_CACHE_DIR="$work/home/pip" npm_config_cache="$work/home/npm" \
        MAVEN_OPTS="-Dmaven.repo.local=$work/home/maven" PATH="$PATH" $young make "$goal"
done
