"""What a process asks of the kernel about its parent and its children (prctl(2))."""

from __future__ import annotations

import ctypes
import signal

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def die_with_parent(death_signal: signal.Signals) -> None:
    """Ask for a signal to this process when the thread that is its parent ends."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, death_signal)


def adopt_orphans() -> None:
    """Ask to become the parent of descendants whose own parent ends."""
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
