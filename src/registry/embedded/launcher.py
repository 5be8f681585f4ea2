"""Become an unprivileged account, ask to be ended together with the parent, become the program.

Run as `python -I -S launcher.py PARENT_PID SIGNAL UID GID PROGRAM ARGUMENT...`. It is a program of its
own because what it does between fork and exec is not safe in a process with threads, and because
the account that the program runs as may be unable to reach this Python. Standard library only.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Exec the program; end with a message on standard error where that cannot be."""
    parent, signal_number, uid, gid = map(int, sys.argv[1:5])
    if uid != os.geteuid():
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After setuid, which clears the setting; exec keeps it (prctl(2), PR_SET_PDEATHSIG).
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
            sys.exit(f"cannot ask for the parent-death signal: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit("the parent ended before the program was started")
    os.umask(0o077)
    program = sys.argv[5]
    os.execv(program, sys.argv[5:])  # noqa: S606 - that is this file's task; no shell is wanted


if __name__ == "__main__":
    main()
