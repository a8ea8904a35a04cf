"""Runs a command with sockets as systemd hands them over: hand_over.py DESCRIPTOR,DESCRIPTOR... COMMAND ..."""

import os
import sys

FIRST = 3
descriptors = [int(descriptor) for descriptor in sys.argv[1].split(",")]
# Out of the way first: none may take the place of one that has still to move.
descriptors = [os.dup(descriptor) for descriptor in descriptors]
while min(descriptors) < FIRST + len(descriptors):
    descriptors = [os.dup(descriptor) for descriptor in descriptors]
for place, descriptor in enumerate(descriptors, FIRST):
    os.dup2(descriptor, place)
    os.set_inheritable(place, True)
os.environ.update(LISTEN_FDS=str(len(descriptors)), LISTEN_PID=str(os.getpid()))
os.execvp(sys.argv[2], sys.argv[2:])
