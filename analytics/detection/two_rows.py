"""Puts the two rows of a high plate (220 by 440 mm) side by side, for a reader of one row."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Corners = NDArray[np.float32]

UPPER_ROW_ENDS, LOWER_ROW_STARTS = 0.39, 0.34
"""In parts of the height. The rows meet at 0.375 (75 of 200 mm between the margins), and overlap
so that a skewed crop loses nothing.
"""
UPPER_ROW_WIDTH = 0.43
"""The part of the width for the upper row. Its two characters become as wide as the five of the
lower row.
"""


HIGH_PART = 0.42
"""A plate of one row is 0.29 or 0.32 times as high as wide, one of two rows 0.5; seen from the
side both look narrower.
"""


def is_two_rows(corners: Corners) -> bool:
    """Return whether `corners` (4, 2; clockwise from top left) has the proportions of two rows."""
    top_left, top_right, bottom_right, bottom_left = corners
    wide = float(np.linalg.norm(top_right - top_left) + np.linalg.norm(bottom_right - bottom_left))
    high = float(np.linalg.norm(bottom_left - top_left) + np.linalg.norm(bottom_right - top_right))
    return high > HIGH_PART * wide


def unroll(crop: Picture, width_px: int, height_px: int) -> Picture:
    """Return a picture (height, width, 3) with the upper row at the left of the lower one."""
    rows = crop.shape[0]
    upper_px = round(width_px * UPPER_ROW_WIDTH)
    upper = crop[: max(1, round(rows * UPPER_ROW_ENDS))]
    lower = crop[min(rows - 1, round(rows * LOWER_ROW_STARTS)) :]
    parts = ((upper, upper_px), (lower, width_px - upper_px))
    return np.asarray(
        np.hstack(
            [
                cv2.resize(part, (wide, height_px), interpolation=cv2.INTER_AREA)
                for part, wide in parts
            ]
        ),
        np.uint8,
    )
