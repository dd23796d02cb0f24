"""Why a plate that went by was not read: by size, then sharpness, then what was read."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from analytics.detection.detections import Picture
from analytics.passings.subjects import Record, Shot
from analytics.passings.unread import GROWN_X, why_illegible, width_px
from analytics.plates.fusion import NOTHING, Fused
from analytics.tracking.tracker import Track
from domain.unread_reasons import WhyUnread

BOX = np.array([0, 0, 90, 28], np.float32)
UNLIKE, UNSURE = Fused("鄂F12345", 0.9, -9.0, (), -3.0), Fused("鄂F12345", 0.2, -3.0, (), -3.0)


def plate(wide_px: int, blur_px: float = 0.0) -> Picture:
    """Seven strokes on blue, with what a crop has around a plate."""
    picture = np.full((60, 122, 3), (160, 70, 20), np.uint8)
    for x in range(24, 104, 12):
        cv2.rectangle(picture, (x, 20), (x + 5, 40), (240, 240, 240), -1)
    soft = cv2.GaussianBlur(picture, (0, 0), blur_px) if blur_px else picture
    wide = round(wide_px * (1 + 2 * GROWN_X))
    return np.asarray(cv2.resize(soft, (wide, wide // 2), interpolation=cv2.INTER_AREA), np.uint8)


def record(picture: Picture, fused: Fused) -> Record:
    jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
    shot = Shot(1.0, 0, (0.0, 0.0, 0.1, 0.1), b"", jpeg)
    return Record(
        Track(0, 0, BOX, 0, BOX, 0.9, np.zeros((4, 2), np.float32)),
        "id",
        "receiver",
        (640, 360),
        shot,
        fused=fused,
    )


@pytest.mark.parametrize(
    ("picture", "fused", "why"),
    [
        (plate(40), UNSURE, WhyUnread.TOO_SMALL),
        (plate(94, blur_px=6), UNSURE, WhyUnread.BLURRED),
        (plate(94), NOTHING, WhyUnread.NO_GRAMMAR),
        (plate(94), UNLIKE, WhyUnread.UNLIKE_A_PLATE),
        (plate(94), UNSURE, WhyUnread.UNSURE),
    ],
)
def test_the_first_reason_that_holds_is_given(
    picture: Picture, fused: Fused, why: WhyUnread
) -> None:
    assert why_illegible(record(picture, fused)) is why


def test_the_width_is_the_plates_in_the_cameras_pixels() -> None:
    assert width_px(record(plate(94), NOTHING)) == 94
