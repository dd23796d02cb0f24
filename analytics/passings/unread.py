"""Why a plate that went by was not read, by its best picture and by what the readings said
together.
"""

from __future__ import annotations

import cv2
import numpy as np

from analytics.detection.best_shot import sharpness
from analytics.detection.detections import Picture
from analytics.passings.subjects import Record
from domain.unread_reasons import WhyUnread

LEGIBLE_WIDTH_PX = 45
"""A plate of one row is 14 px high then: under that readers guess
(`analytics/weights/README.md`).
"""
SHARP_LEAST = 0.45
"""Of `best_shot.sharpness`: a plate 24 px high, blurred by a sigma of 2 px, has as much, and is
read half of the time.
"""
GROWN_X, GROWN_Y = 0.15, 0.3
"""By how much of its sides a plate's crop is larger than the plate, at each side."""


def width_px(record: Record) -> int:
    """Of the plate in its best picture; 0 without one."""
    return round(_picture(record).shape[1] / (1 + 2 * GROWN_X)) if record.shot is not None else 0


def why_illegible(record: Record) -> WhyUnread:
    if width_px(record) < LEGIBLE_WIDTH_PX:
        return WhyUnread.TOO_SMALL
    if sharpness(_picture(record)) < SHARP_LEAST:
        return WhyUnread.BLURRED
    fused = record.fused
    if fused is None or not fused.text:
        return WhyUnread.NO_GRAMMAR
    return WhyUnread.UNSURE if fused.is_like_a_plate else WhyUnread.UNLIKE_A_PLATE


def _picture(record: Record) -> Picture:
    """The best picture's crop, as it will be kept: asked for once a track, and kept as a
    picture for none of them.
    """
    assert record.shot is not None
    return np.asarray(
        cv2.imdecode(np.frombuffer(record.shot.crop_jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8
    )
