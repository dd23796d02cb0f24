"""Decides the colour of a plate's ground from its rectified crop, by hue and saturation of the
ground without the characters.
"""

from __future__ import annotations

import cv2
import numpy as np

from analytics.detection.detections import Picture
from domain.plates import PlateColor

_HUES = {PlateColor.YELLOW: (11, 36), PlateColor.GREEN: (37, 92), PlateColor.BLUE: (93, 135)}
"""The ranges of OpenCV's hue, which goes from 0 to 180."""
_SATURATED, _CHROMA = 50, 22
"""The least saturation, and the least difference of a pixel's largest and smallest channel. In the
dark, saturation is mostly noise and coloured light.
"""


def votes(rectified: Picture) -> dict[PlateColor, float]:
    """Return the part of the plate, 0 to 1, that each colour of ground covers.

    Pixels without a hue count for white or black.
    """
    inner = cv2.GaussianBlur(_inner(rectified), (5, 5), 0)
    hue, saturation, value = (
        plane.astype(np.int32) for plane in cv2.split(cv2.cvtColor(inner, cv2.COLOR_BGR2HSV))
    )
    coloured = (saturation > _SATURATED) & (saturation * value > _CHROMA * 255)
    shares = {
        color: float((coloured & (hue >= low) & (hue <= high)).mean())
        for color, (low, high) in _HUES.items()
    }
    grey = float((~coloured).mean())
    light = _is_light_ground(value)
    shares[PlateColor.WHITE if light else PlateColor.BLACK] = grey * (
        _WHITE_WEIGHT if light else _BLACK_WEIGHT
    )
    return shares


_WHITE_WEIGHT, _BLACK_WEIGHT = 0.35, 0.25
"""Characters, glare and the pale upper half of green plates are grey too, and blue ones fade in the
dark: grey must cover far more than a hue to win.
"""


def plate_color(shares: dict[PlateColor, float]) -> PlateColor:
    """Return the colour with the largest share, or unknown if no share is large."""
    color = max(shares, key=lambda candidate: shares[candidate], default=PlateColor.UNKNOWN)
    return color if color is not PlateColor.UNKNOWN and shares[color] > 0.15 else PlateColor.UNKNOWN


def _inner(rectified: Picture) -> Picture:
    """Return the crop without its margins, because corners are a few pixels off."""
    high, wide = rectified.shape[:2]
    return rectified[high // 8 : high - high // 8, wide // 20 : wide - wide // 20]


def _is_light_ground(value: np.ndarray[tuple[int, ...], np.dtype[np.int32]]) -> bool:
    """Return whether the ground is lighter than the middle of the range.

    Characters cover less than half of a plate, so the median is that of the ground.
    """
    low, middle, high = np.percentile(value, (5, 50, 95))
    return bool(middle > (low + high) / 2)
