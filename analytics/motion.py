"""Whether anything moves between two pictures: cheap, and rather too often than not often enough."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.detections import Picture

Thumbnail = NDArray[np.int16]

_STRIDE_PX = 4
_LEAST_CHANGE = 4.0
"""Grey levels that a block must differ by in a picture without noise."""
_NOISE_TIMES, _MOST_LIMIT = 4.0, 20.0
"""The limit rises with the picture's noise, but not so far that a lorry which fills the picture passes for noise."""
_LEAST_BLOCKS = 3


def thumbnail(bgr: Picture) -> Thumbnail:
    """Green of every 4th pixel, averaged in blocks of 4 by 4 of those (16 px of the picture), which takes most of the noise out."""
    green = np.ascontiguousarray(bgr[::_STRIDE_PX, ::_STRIDE_PX, 1])
    size = (max(1, green.shape[1] // 4), max(1, green.shape[0] // 4))
    return np.asarray(cv2.resize(green, size, interpolation=cv2.INTER_AREA), np.int16)


def moves(before: Thumbnail | None, now: Thumbnail) -> bool:
    """True without a picture before, or where some blocks differ by more than noise and a change of light of the whole would explain."""
    if before is None or before.shape != now.shape:
        return True
    change = now - before
    apart = np.abs(change - np.median(change))
    limit = min(_LEAST_CHANGE + _NOISE_TIMES * float(np.median(apart)), _MOST_LIMIT)
    return int((apart > limit).sum()) >= _LEAST_BLOCKS
