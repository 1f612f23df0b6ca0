"""Run a program that dies with its parent: `python tied.py PARENT PROGRAM ARGUMENT…`.

A script of its own and not a function between fork and exec: it imports nothing of ours, and the
program keeps this process' id.
"""

import ctypes
import os
import signal
import sys

_PARENT_DIES = 1
"""PR_SET_PDEATHSIG of prctl(2)."""

if __name__ == "__main__":
    ctypes.CDLL(None).prctl(_PARENT_DIES, signal.SIGKILL)
    if str(os.getppid()) != sys.argv[1]:
        sys.exit("the parent is gone")
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - no shell is wanted
