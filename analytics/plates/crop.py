"""Cuts a plate out of a frame: straightened from its four corners, as if seen from the front."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from analytics.detection.detections import Floats, Picture

WIDTH_PX, HEIGHT_PX = 188, 48
"""Twice the size of the reader's input, so that both framings keep all detail."""


@dataclass(frozen=True, slots=True)
class Crop:
    """One picture of a plate, straightened."""

    picture: Picture
    quality: float
    is_high: bool
    """Whether it has the proportions of a plate with two rows."""


def rectify(bgr: Picture, corners: Floats, grow_x: float = 0.0, grow_y: float = 0.0) -> Picture:
    """Return the quadrilateral `corners` (4, 2; clockwise from top left) upright, as (48, 188, 3).

    `grow_x` and `grow_y` extend it at each side by parts of its sides.
    """
    source = _grown(corners, grow_x, grow_y)
    target = np.array([[0, 0], [WIDTH_PX, 0], [WIDTH_PX, HEIGHT_PX], [0, HEIGHT_PX]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, target)
    size = (WIDTH_PX, HEIGHT_PX)
    return np.asarray(
        cv2.warpPerspective(
            bgr, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ),
        np.uint8,
    )


def around(bgr: Picture, xyxy: Floats, grow_x: float, grow_y: float) -> Picture:
    """Return the part of the picture in the box `xyxy`, extended by parts of its sides.

    It lies within the frame, and has at least one pixel.
    """
    left, top, right, bottom = (float(value) for value in xyxy)
    wide, high = right - left, bottom - top
    low_x, low_y = max(0, int(left - grow_x * wide)), max(0, int(top - grow_y * high))
    low_x, low_y = min(low_x, bgr.shape[1] - 1), min(low_y, bgr.shape[0] - 1)
    return bgr[
        low_y : max(low_y + 1, round(bottom + grow_y * high)),
        low_x : max(low_x + 1, round(right + grow_x * wide)),
    ]


def _grown(corners: Floats, grow_x: float, grow_y: float) -> Floats:
    top_left, top_right, bottom_right, bottom_left = corners
    top, bottom, left, right = (
        top_right - top_left,
        bottom_right - bottom_left,
        bottom_left - top_left,
        bottom_right - top_right,
    )
    moved = [
        top_left - top * grow_x - left * grow_y,
        top_right + top * grow_x - right * grow_y,
        bottom_right + bottom * grow_x + right * grow_y,
        bottom_left - bottom * grow_x + left * grow_y,
    ]
    return np.array(moved, np.float32)
