#!/bin/sh
# Runs a command and says how long it took: timed.sh NAME COMMAND…
name=$1
shift
begun=$(date +%s)
"$@"
ended=$?
took=$(($(date +%s) - begun))
printf '== %s: %d.%d minutes\n' "$name" $((took / 60)) $((took % 60 / 6))
exit $ended
