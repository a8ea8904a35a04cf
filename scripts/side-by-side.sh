#!/bin/sh
# Runs two commands side by side, and fails if either does: side-by-side.sh COMPUTES WAITS. The first has the lowest priority,
# so that it starves no clock of the second's, whose output is shown. Of the first, what it printed if it failed, else how long
# its parts took.
printed=$(mktemp)
{ nice -n 19 sh -c "$1" >"$printed" 2>&1 || { echo "== what goes on beside this has failed: it is shown at the end" && false; }; } &
computes=$!
trap 'rm -f "$printed"' EXIT
trap 'kill $computes 2>/dev/null; exit 130' INT TERM
sh -c "$2"
ended=$?
if wait $computes; then
    echo "== beside that"
    grep '^== .* minutes$' "$printed"
else
    ended=1
    cat "$printed"
fi
exit $ended
