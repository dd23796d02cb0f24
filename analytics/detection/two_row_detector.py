"""Finds yellow plates of two rows (lorries, buses, trailers) by colour and shape, because the model
was trained on plates of one row only.

Its detections are guesses, because much else is yellow. Only a detection that is read may become an
event.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from analytics.detection.detections import Detections, Floats, Picture
from analytics.detection.two_rows import is_two_rows

SEARCHED_WIDTH_PX = 960
"""A plate of two rows is legible down to 32 px of this width."""
_LEAST_WIDTH_PX, _MOST_WIDTH_PART = 32, 0.5
_YELLOW = ((11, 90, 70), (36, 255, 255))
"""The range of hue (as in `color.py`), saturation and value. A closing with a square of
`_CLOSED_PX` removes characters and bolts.
"""
_CLOSED_PX = 5
_THINNED = 3
"""Every third pixel of the searched picture shows whether there is any yellow."""
_AROUND_PX = 16
"""A margin in the searched picture: for the skipped pixels, and for the reach of the closing."""
_GROUND_PART = 0.5
"""The part of a plate that is ground, and not characters."""
_CONTRAST_LEAST, _INK_LEAST, _INK_MOST, _TURNS_LEAST = 25.0, 0.05, 0.6, 5
"""The grey levels between ink and ground; the part of the plate that is ink; and the least number
of edges of five characters in a row. There are ten edges, but small, blurred characters merge.
"""
_FULL = 0.7
"""The part of the quadrilateral that is yellow. That of a plate is over 0.9, less dirt and shadow.
"""
_SIDES_APART = 1.6
"""The largest ratio of two opposite sides. Perspective makes one longer, and a warning sign has
only three sides.
"""
SCORE = 0.5
"""It is less than an unread track needs to be an event."""


def find(bgr: Picture) -> Detections:
    """Return yellow quadrilaterals with the height of two rows, and their corners.

    Corners are clockwise from the top left.
    """
    part = _yellow_part(bgr)
    if part is None:
        return Detections.none(4)
    left, top, right, bottom = part
    scale = min(1.0, SEARCHED_WIDTH_PX / bgr.shape[1])
    small = cv2.resize(
        bgr[top:bottom, left:right], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
    )
    yellow = _yellow(small)
    closed = cv2.morphologyEx(yellow, cv2.MORPH_CLOSE, np.ones((_CLOSED_PX, _CLOSED_PX), np.uint8))
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    quads = [
        _corners(outline) for outline in outlines if _is_like_a_plate(outline, scale * bgr.shape[1])
    ]
    likely = [
        quad
        for quad in quads
        if is_two_rows(quad) and _has_four_sides(quad) and _has_writing(small, quad)
    ]
    points = np.array(likely, np.float32).reshape(-1, 4, 2) / np.float32(scale) + np.array(
        [left, top], np.float32
    )
    boxes = (
        np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)
        if len(points)
        else np.empty((0, 4), np.float32)
    )
    return Detections(boxes, np.full(len(points), SCORE, np.float32), points)


def _yellow(bgr: cv2.typing.MatLike) -> cv2.typing.MatLike:
    return cv2.inRange(
        cv2.cvtColor(bgr, cv2.COLOR_BGR2HSV), *(np.array(bound) for bound in _YELLOW)
    )


def _yellow_part(bgr: Picture) -> tuple[int, int, int, int] | None:
    """Return left, top, right, bottom of all yellow, with a margin.

    Return None if there is less yellow than the smallest plate has. Most pictures have none, and
    to search a whole one costs twenty times as much.
    """
    wide = min(bgr.shape[1], SEARCHED_WIDTH_PX // _THINNED)
    thin = cv2.resize(
        bgr, (wide, max(1, bgr.shape[0] * wide // bgr.shape[1])), interpolation=cv2.INTER_NEAREST
    )
    yellow = _yellow(thin)
    if cv2.countNonZero(yellow) < _FULL * (_LEAST_WIDTH_PX / _THINNED) ** 2 / 2 * _GROUND_PART:
        return None
    left, top, across, down = cv2.boundingRect(yellow)
    step = math.ceil(bgr.shape[1] / wide)
    margin = step + _AROUND_PX * bgr.shape[1] // SEARCHED_WIDTH_PX
    low = [max(0, int(edge * bgr.shape[1] / wide) - margin) // 2 * 2 for edge in (left, top)]
    high = [int(edge * bgr.shape[1] / wide) + margin for edge in (left + across, top + down)]
    return low[0], low[1], min(high[0], bgr.shape[1]), min(high[1], bgr.shape[0])


def _has_writing(bgr: cv2.typing.MatLike, corners: Floats) -> bool:
    """Return whether there are dark strokes on light ground, with a row of them in the lower part.

    The side of a lorry, a parcel or a line on the road has none.
    """
    wide, high = 96, 48
    matrix = cv2.getPerspectiveTransform(
        corners.astype(np.float32),
        np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32),
    )
    grey = cv2.cvtColor(cv2.warpPerspective(bgr, matrix, (wide, high)), cv2.COLOR_BGR2GRAY)[
        4:-4, 5:-5
    ]
    _, dark = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    contrast = (
        float(grey[dark == 0].mean() - grey[dark > 0].mean())
        if 0 < cv2.countNonZero(dark) < dark.size
        else 0.0
    )
    profile = dark[high * 2 // 5 :].mean(axis=0)
    turns = int(np.count_nonzero(np.diff(profile > profile.mean())))
    return (
        contrast > _CONTRAST_LEAST
        and _INK_LEAST < float(dark.mean()) / 255 < _INK_MOST
        and turns >= _TURNS_LEAST
    )


def _is_like_a_plate(outline: cv2.typing.MatLike, frame_width_px: float) -> bool:
    _, _, wide, high = cv2.boundingRect(outline)
    if not (_LEAST_WIDTH_PX <= wide <= _MOST_WIDTH_PART * frame_width_px and high < wide):
        return False
    return cv2.contourArea(outline) > _FULL * abs(cv2.contourArea(_corners(outline)))


def _has_four_sides(corners: Floats) -> bool:
    top, right, bottom, left = (
        float(np.linalg.norm(corners[(at + 1) % 4] - corners[at])) for at in range(4)
    )
    return all(max(pair) < _SIDES_APART * min(pair) for pair in ((top, bottom), (left, right)))


def _corners(outline: cv2.typing.MatLike) -> Floats:
    """Return the (4, 2) points of the outline that are farthest in the four diagonal directions.

    They are clockwise from the top left.
    """
    points = np.asarray(outline, np.float32).reshape(-1, 2)
    along, across = points[:, 0] + points[:, 1], points[:, 0] - points[:, 1]
    return points[[along.argmin(), across.argmax(), along.argmax(), across.argmin()]]
