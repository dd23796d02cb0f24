"""Finds yellow plates of two rows (lorries, buses, trailers) by colour and shape, as the detector learnt from plates of one row only.

What it finds is a guess: much else is yellow. A reading decides, so only what is read may count.
"""

from __future__ import annotations

import cv2
import numpy as np

from analytics.detections import Detections, Floats, Picture
from analytics.two_rows import is_two_rows

SEARCHED_WIDTH_PX = 960
"""A plate of two rows is read down to about this part of it: 32 px wide."""
_LEAST_WIDTH_PX, _MOST_WIDTH_PART = 32, 0.5
_YELLOW = ((11, 90, 70), (36, 255, 255))
"""Hue as `plate_color.py` has it, saturation and value; characters and bolts are closed by a square of `_CLOSED_PX`."""
_CLOSED_PX = 5
_FULL = 0.7
"""The part of the quadrilateral that is yellow: a plate's is over 0.9, and dirt and shadow take some."""
_SIDES_APART = 1.6
"""Most ratio of two opposite sides: perspective makes one longer, and a warning sign has one too few."""
SCORE = 0.5
"""Under what an unread track needs to be an event."""


def find(bgr: Picture) -> Detections:
    """Yellow quadrilaterals as high as two rows are, with their corners clockwise from top left."""
    scale = min(1.0, SEARCHED_WIDTH_PX / bgr.shape[1])
    small = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    yellow = cv2.inRange(cv2.cvtColor(small, cv2.COLOR_BGR2HSV), *(np.array(bound) for bound in _YELLOW))
    closed = cv2.morphologyEx(yellow, cv2.MORPH_CLOSE, np.ones((_CLOSED_PX, _CLOSED_PX), np.uint8))
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    quads = [_corners(outline) for outline in outlines if _is_like_a_plate(outline, small.shape[1])]
    likely = [quad for quad in quads if is_two_rows(quad) and _has_four_sides(quad)]
    points = np.array(likely, np.float32).reshape(-1, 4, 2) / np.float32(scale)
    boxes = np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1) if len(points) else np.empty((0, 4), np.float32)
    return Detections(boxes, np.full(len(points), SCORE, np.float32), points)


def _is_like_a_plate(outline: cv2.typing.MatLike, frame_width_px: int) -> bool:
    _, _, wide, high = cv2.boundingRect(outline)
    if not (_LEAST_WIDTH_PX <= wide <= _MOST_WIDTH_PART * frame_width_px and high < wide):
        return False
    return cv2.contourArea(outline) > _FULL * abs(cv2.contourArea(_corners(outline)))


def _has_four_sides(corners: Floats) -> bool:
    top, right, bottom, left = (float(np.linalg.norm(corners[(at + 1) % 4] - corners[at])) for at in range(4))
    return all(max(pair) < _SIDES_APART * min(pair) for pair in ((top, bottom), (left, right)))


def _corners(outline: cv2.typing.MatLike) -> Floats:
    """(4, 2): the outline's points farthest to the top left, top right, bottom right and bottom left."""
    points = np.asarray(outline, np.float32).reshape(-1, 2)
    along, across = points[:, 0] + points[:, 1], points[:, 0] - points[:, 1]
    return points[[along.argmin(), across.argmax(), along.argmax(), across.argmin()]]
