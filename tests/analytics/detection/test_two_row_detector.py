"""Yellow plates of two rows are found by colour and shape; yellow things of other shapes, and
plates of one row, are not.
"""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from analytics.detection import two_row_detector as two_row_finder
from analytics.detection.detections import Picture

YELLOW = (25, 175, 235)


def _street(corners: list[tuple[int, int]], color: tuple[int, int, int] = YELLOW) -> Picture:
    picture = np.full((720, 1280, 3), 110, np.uint8)
    points = np.array(corners, np.int32)
    cv2.fillConvexPoly(picture, points, color, cv2.LINE_AA)
    left, top = points.min(axis=0)
    for column in range(5):
        cv2.putText(
            picture,
            "8",
            (int(left) + 8 + 30 * column, int(top) + 62),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.9,
            (20, 20, 20),
            3,
        )
    return picture


def test_a_turned_plate_is_found_by_its_corners() -> None:
    corners = [(500, 410), (660, 400), (664, 478), (504, 490)]
    found = two_row_finder.find(_street(corners))
    assert len(found) == 1
    assert np.abs(found.points[0] - np.array(corners)).max() < 5
    assert found.xyxy[0].tolist() == pytest.approx([500, 400, 664, 490], abs=5)


@pytest.mark.parametrize("margin", [None, (40, 640), (1240, 30)])
@pytest.mark.parametrize(("left", "top"), [(2, 2), (3, 637), (1115, 5), (1116, 636), (611, 333)])
@pytest.mark.parametrize("wide", [1280, 1920, 900])
def test_it_is_found_wherever_it_is_and_whatever_else_is_yellow(
    left: int, top: int, margin: tuple[int, int] | None, wide: int
) -> None:
    corners = [(left, top), (left + 160, top), (left + 160, top + 80), (left, top + 80)]
    street = _street(corners)
    if margin is not None:
        cv2.circle(street, margin, 20, YELLOW, -1)
    found = two_row_finder.find(
        np.asarray(cv2.resize(street, (wide, 720 * wide // 1280)), np.uint8)
    )
    assert len(found) == 1
    assert np.abs(found.points[0] * 1280 / wide - np.array(corners)).max() < 6


@pytest.mark.parametrize(
    ("corners", "color"),
    [
        ([(500, 400), (660, 400), (660, 445), (500, 445)], YELLOW),  # one row
        ([(500, 400), (660, 400), (660, 480), (500, 480)], (185, 75, 15)),  # blue
        ([(0, 100), (900, 100), (900, 500), (0, 500)], YELLOW),  # a lorry's side
        ([(500, 480), (580, 400), (660, 480), (580, 482)], YELLOW),  # a warning sign
        ([(500, 400), (520, 400), (520, 410), (500, 410)], YELLOW),  # too small to be read
    ],
)
def test_what_is_no_plate_of_two_rows(
    corners: list[tuple[int, int]], color: tuple[int, int, int]
) -> None:
    assert len(two_row_finder.find(_street(corners, color))) == 0
