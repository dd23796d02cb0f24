"""What a process asks of the kernel about itself, its parent and its children."""

from __future__ import annotations

import ctypes
import os
import signal
from pathlib import Path

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
STANDARD_ERROR = 2


def die_with_parent(death_signal: signal.Signals) -> None:
    """Ask for a signal to this process when the thread that is its parent ends."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, death_signal)


def thread_count() -> int:
    """Return how many threads this process has, those of libraries included."""
    return len(list(Path("/proc/self/task").iterdir()))


def close_inherited() -> None:
    """Close the descriptors with which this program was started, except the standard ones.

    Python opens all others with close-on-exec. They stay open, because their objects would close
    the numbers again when these belong to other files.
    """
    # The descriptor with which the folder is listed is closed after that.
    numbers = [int(path.name) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    for number in numbers:
        if number > STANDARD_ERROR and os.get_inheritable(number):
            os.close(number)


def adopt_orphans() -> None:
    """Ask to become the parent of descendants whose own parent ends."""
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
