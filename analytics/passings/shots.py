"""The pictures of an event: the whole frame and the part with the subject, as JPEGs."""

from __future__ import annotations

import cv2
import numpy as np

from analytics.detection.detections import Floats, Picture
from analytics.passings.subjects import Shot
from analytics.tracking.tracker import Track
from domain.cpu_time import CpuTime
from domain.metrics import ANALYSIS_CPU_S

JPEG_QUALITY = 85
_JPEG = ANALYSIS_CPU_S.labels("jpeg")


def shot_of(track: Track, quality: float, bgr: Picture, crop: Picture) -> Shot:
    """Return the pictures of the frame that last showed the track. `crop` is a part of `bgr`."""
    with CpuTime(_JPEG):
        pictures = _jpeg(bgr), _jpeg(crop)
    box = parts_of(track.box, (bgr.shape[1], bgr.shape[0]))
    return Shot(quality, track.last_ns, box, *pictures)


def parts_of(box: Floats, size_px: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return a box as parts of a picture of this width and height."""
    size = np.array(size_px * 2, np.float64)
    left, top, right, bottom = (round(float(part), 4) for part in np.clip(box / size, 0, 1))
    return left, top, right, bottom


def _jpeg(bgr: Picture) -> bytes:
    is_encoded, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not is_encoded:
        raise ValueError(f"a picture of shape {bgr.shape} cannot be encoded as JPEG")
    return encoded.tobytes()
