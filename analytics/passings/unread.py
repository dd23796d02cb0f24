"""Vehicles whose plate was not read: which of them count as a passing, and why it was not read."""

from __future__ import annotations

import cv2
import numpy as np

from analytics.detection.best_shot import sharpness
from analytics.detection.detections import Picture
from analytics.passings.subjects import Record
from analytics.tracking.tracker import Track
from domain.unread_reasons import WhyUnread

LEGIBLE_WIDTH_PX = 45
"""A plate of one row with this width is 14 px high. Below that, readers guess
(`analytics/weights/README.md`).
"""
MIN_DETECTIONS, MIN_SCORE = 4, 0.6
"""Of a track without a text that counts as a passing: its detections, and its best score."""
MIN_TRAVEL, MIN_GROWTH = 1.0, 1.35
"""A track that travels that many lengths of the plate, or grows that much, does not stand still."""
SHARP_LEAST = 0.45
"""In units of `best_shot.sharpness`. A plate 24 px high with a blur of 2 px (sigma) has this value,
and every second one is read.
"""
GROWN_X, GROWN_Y = 0.15, 0.3
"""The margins of a plate's crop at each side, in parts of the plate's sides."""


def counts_unread(track: Track) -> bool:
    """Return whether a track without a text is a passing: it moved, and was surely a plate."""
    return moved(track) and track.detections >= MIN_DETECTIONS and track.score_best >= MIN_SCORE


def moved(track: Track) -> bool:
    return track.travel >= MIN_TRAVEL or track.growth >= MIN_GROWTH


def width_px(record: Record) -> int:
    """Return the width of the plate in its best picture, or 0 without a picture."""
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
    """Return the crop of the best picture from its JPEG, which is needed once for each track."""
    assert record.shot is not None
    return np.asarray(
        cv2.imdecode(np.frombuffer(record.shot.crop_jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8
    )
