"""Tunes memory: when the garbage collector runs, and what the C library keeps that is free."""

from __future__ import annotations

import ctypes
import gc

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""The parameters of glibc's `mallopt`."""
_BLOCK_BYTES = 1_000_000
"""Smaller than a picture in colour, and larger than nearly all other blocks."""


def collect_seldom(allocated: int) -> None:
    """Collect young objects only after `allocated` new ones, and never scan the present ones.

    A scan of all loaded objects takes a tenth of a second, which delays every request.
    """
    gc.collect()
    gc.set_threshold(allocated, 20, 20)
    gc.freeze()


def keep_little_free_memory() -> None:
    """Let threads share one heap, and give each large block a mapping that ends with the block.

    By default, each thread has a heap of its own, and glibc takes blocks from it that are as large
    as the largest one that was freed, up to 32 MB. Threads that allocate at the same time then wait
    for each other. Only glibc can do so. A process calls it before it starts threads.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, 1)
        mallopt(_MMAP_THRESHOLD, _BLOCK_BYTES)
        mallopt(_TRIM_THRESHOLD, _BLOCK_BYTES)
