"""Returns memory that is free in this process to the kernel."""

from __future__ import annotations

import ctypes


def return_free_memory() -> None:
    """Return the free pages of the C library's heap, which it keeps for later allocations.

    It takes some milliseconds. Only glibc can do so.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
