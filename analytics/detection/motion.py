"""Whether anything moves between two pictures: cheap, and rather too often than not often
enough.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.detection.detections import Picture

Thumbnail = NDArray[np.int16]
Blocks = NDArray[np.bool_]
Extent = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels of a picture."""

_STRIDE_PX = 4
_LEAST_CHANGE = 4.0
"""Grey levels that a block must differ by in a picture without noise."""
_NOISE_TIMES, _MOST_LIMIT = 4.0, 20.0
"""The limit rises with the picture's noise, but not so far that a lorry which fills the picture
passes for noise.
"""
_LEAST_BLOCKS = 3


def thumbnail(grey: Picture) -> Thumbnail:
    """Of a picture's brightness: every 4th pixel, averaged in blocks of 4 by 4 of those (16 px
    of it), which takes most noise out.
    """
    few = np.ascontiguousarray(grey[::_STRIDE_PX, ::_STRIDE_PX])
    size = (max(1, few.shape[1] // 4), max(1, few.shape[0] // 4))
    return np.asarray(cv2.resize(few, size, interpolation=cv2.INTER_AREA), np.int16)


def changed(before: Thumbnail | None, now: Thumbnail) -> Blocks | None:
    """Which blocks differ by more than noise and a change of light of the whole would explain;
    None without a picture before.
    """
    if before is None or before.shape != now.shape:
        return None
    change = now - before
    apart = np.abs(change - _median(change))
    limit = min(_LEAST_CHANGE + _NOISE_TIMES * _median(apart), _MOST_LIMIT)
    return np.asarray(apart > limit, np.bool_)


def moves(before: Thumbnail | None, now: Thumbnail) -> bool:
    """True without a picture before, or where some blocks changed."""
    blocks = changed(before, now)
    return blocks is None or int(blocks.sum()) >= _LEAST_BLOCKS


def extent(blocks: Blocks, frame_px: tuple[int, int]) -> Extent | None:
    """Of all that changed, in a picture of this width and height; None where nothing did."""
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
    """The middle one, the lower of two; by counting them, which takes a quarter of the time
    that sorting does.
    """
    lowest = int(levels.min())
    counts = np.bincount(levels.ravel() - lowest)
    return lowest + int(np.searchsorted(np.cumsum(counts), (levels.size + 1) // 2))
