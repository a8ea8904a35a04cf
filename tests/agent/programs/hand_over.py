"""Runs a command with a socket as systemd hands one over: hand_over.py DESCRIPTOR COMMAND ..."""

import os
import sys

FIRST = 3
descriptor = int(sys.argv[1])
if descriptor != FIRST:
    os.dup2(descriptor, FIRST)
os.set_inheritable(FIRST, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execvp(sys.argv[2], sys.argv[2:])
