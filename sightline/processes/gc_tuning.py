"""Tunes the cyclic garbage collector: it runs rarely and skips what was loaded at the start."""

from __future__ import annotations

import gc


def collect_seldom(allocated: int) -> None:
    """Collect young objects only after `allocated` new ones, and never scan the present ones.

    A scan of all loaded objects takes a tenth of a second, which delays every request.
    """
    gc.collect()
    gc.set_threshold(allocated, 20, 20)
    gc.freeze()
