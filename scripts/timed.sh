#!/bin/sh
# Runs a command, says before what it is for and afterwards how long it took: timed.sh NAME COMMAND…
name=$1
shift
begun=$(date +%s)
printf '== %s\n' "$name"
"$@"
ended=$?
took=$(($(date +%s) - begun))
printf '== %s: %d.%d minutes\n' "$name" $((took / 60)) $((took % 60 / 6))
exit $ended
