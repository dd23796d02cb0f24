"""Detects cheaply whether anything moved between two pictures. It reports motion too often rather
than too rarely.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.detection.detections import Picture

Thumbnail = NDArray[np.int16]
Blocks = NDArray[np.bool_]
Extent = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels of a picture."""

_STRIDE_PX = 4
_LEAST_CHANGE = 4.0
"""The least change of a block, in grey levels, in a picture without noise."""
_NOISE_TIMES, _MOST_LIMIT = 4.0, 20.0
"""The limit rises with the noise of the picture, but not so far that a lorry that fills the picture
counts as noise.
"""
_LEAST_BLOCKS = 3


def thumbnail(grey: Picture) -> Thumbnail:
    """Return every 4th pixel of a picture's brightness, averaged in blocks of 4 by 4 of these.

    A block is 16 px wide. The average removes most noise.
    """
    few = np.ascontiguousarray(grey[::_STRIDE_PX, ::_STRIDE_PX])
    size = (max(1, few.shape[1] // 4), max(1, few.shape[0] // 4))
    return np.asarray(cv2.resize(few, size, interpolation=cv2.INTER_AREA), np.int16)


def changed(before: Thumbnail | None, now: Thumbnail) -> Blocks | None:
    """Return which blocks changed by more than noise and a change of light explain.

    Return None without an earlier picture of the same size.
    """
    if before is None or before.shape != now.shape:
        return None
    change = now - before
    apart = np.abs(change - _median(change))
    limit = min(_LEAST_CHANGE + _NOISE_TIMES * _median(apart), _MOST_LIMIT)
    return np.asarray(apart > limit, np.bool_)


def moves(before: Thumbnail | None, now: Thumbnail) -> bool:
    """Return True if some blocks changed, or without an earlier picture."""
    blocks = changed(before, now)
    return blocks is None or int(blocks.sum()) >= _LEAST_BLOCKS


def extent(blocks: Blocks, frame_px: tuple[int, int]) -> Extent | None:
    """Return the extent of all changed blocks in a picture of this size, or None without any."""
    rows, columns = np.flatnonzero(blocks.any(axis=1)), np.flatnonzero(blocks.any(axis=0))
    if not len(rows):
        return None
    wide, high = frame_px[0] / blocks.shape[1], frame_px[1] / blocks.shape[0]
    return (
        float(columns[0] * wide),
        float(rows[0] * high),
        float((columns[-1] + 1) * wide),
        float((rows[-1] + 1) * high),
    )


def _median(levels: Thumbnail) -> int:
    """Return the median, the lower one of two.

    Counting the levels takes a quarter of the time of sorting them.
    """
    lowest = int(levels.min())
    counts = np.bincount(levels.ravel() - lowest)
    return lowest + int(np.searchsorted(np.cumsum(counts), (levels.size + 1) // 2))
