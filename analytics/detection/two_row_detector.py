"""Finds yellow plates of two rows (lorries, buses, trailers) by colour and shape, as the detector
learnt from plates of one row only.

What it finds is a guess: much else is yellow. A reading decides, so only what is read may count.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from analytics.detection.detections import Detections, Floats, Picture
from analytics.detection.two_rows import is_two_rows

SEARCHED_WIDTH_PX = 960
"""A plate of two rows is read down to about this part of it: 32 px wide."""
_LEAST_WIDTH_PX, _MOST_WIDTH_PART = 32, 0.5
_YELLOW = ((11, 90, 70), (36, 255, 255))
"""Hue as `plate_color.py` has it, saturation and value; characters and bolts are closed by a
square of `_CLOSED_PX`.
"""
_CLOSED_PX = 5
_THINNED = 3
"""Every third pixel of the searched picture says whether there is any yellow."""
_AROUND_PX = 16
"""Of the searched picture: what is thinned out, and what closing reaches."""
_GROUND_PART = 0.5
"""What of a plate is ground, and not characters."""
_CONTRAST_LEAST, _INK_LEAST, _INK_MOST, _TURNS_LEAST = 25.0, 0.05, 0.6, 5
"""Grey levels between ink and ground; ink's part of the plate; how often five characters in a row
begin or end, of the ten times that they do: small and soft ones run together.
"""
_FULL = 0.7
"""The part of the quadrilateral that is yellow: a plate's is over 0.9, and dirt and shadow take
some.
"""
_SIDES_APART = 1.6
"""Most ratio of two opposite sides: perspective makes one longer, and a warning sign has one
too few.
"""
SCORE = 0.5
"""Under what an unread track needs to be an event."""


def find(bgr: Picture) -> Detections:
    """Yellow quadrilaterals as high as two rows are, with their corners clockwise from top left."""
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
    """Left, top, right, bottom of all yellow, with what is around it; None where there is less of
    it than the least plate has: most pictures have none, and to search a whole one costs twenty
    times as much.
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
    beside = step + _AROUND_PX * bgr.shape[1] // SEARCHED_WIDTH_PX
    low = [max(0, int(edge * bgr.shape[1] / wide) - beside) // 2 * 2 for edge in (left, top)]
    high = [int(edge * bgr.shape[1] / wide) + beside for edge in (left + across, top + down)]
    return low[0], low[1], min(high[0], bgr.shape[1]), min(high[1], bgr.shape[0])


def _has_writing(bgr: cv2.typing.MatLike, corners: Floats) -> bool:
    """Dark strokes on light ground, a row of them below: a lorry's side, a parcel or a line on
    the road has none.
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
    """(4, 2): the outline's points farthest to the top left, top right, bottom right and bottom
    left.
    """
    points = np.asarray(outline, np.float32).reshape(-1, 2)
    along, across = points[:, 0] + points[:, 1], points[:, 0] - points[:, 1]
    return points[[along.argmin(), across.argmax(), along.argmax(), across.argmin()]]
