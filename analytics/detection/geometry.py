"""Boxes: pure functions of pixel `xyxy` arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analytics.detection.detections import Floats


def areas(xyxy: Floats) -> Floats:
    """Return the (n,) areas; a box with negative sides has none."""
    sides: Floats = np.maximum(xyxy[:, 2:] - xyxy[:, :2], np.float32(0))
    product: Floats = sides[:, 0] * sides[:, 1]
    return product


def intersections(a: Floats, b: Floats) -> Floats:
    """Return the (n, m) areas that the boxes of `a` and `b` share."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    sides: Floats = np.maximum(high - low, np.float32(0))
    product: Floats = sides[..., 0] * sides[..., 1]
    return product


def iou(a: Floats, b: Floats) -> Floats:
    """Return the (n, m) intersection over union, 0 where neither box has an area."""
    shared = intersections(a, b)
    union = areas(a)[:, None] + areas(b)[None, :] - shared
    ratio: Floats = shared / np.maximum(union, np.float32(1e-6))
    return ratio


def nms(xyxy: Floats, score: Floats, iou_most: float, inside_most: float = 1.1) -> NDArray[np.intp]:
    """Return the indices of the boxes that are kept, best first (non-maximum suppression).

    None overlaps a better one by more than `iou_most`. None shares more than the part
    `inside_most` of the smaller area with a better one, because a plate contains no plate.
    """
    order = np.argsort(-score, kind="stable")
    shared = intersections(xyxy, xyxy)
    area = areas(xyxy)
    smaller = np.maximum(np.minimum(area[:, None], area[None, :]), 1e-6)
    clash = (iou(xyxy, xyxy) > iou_most) | (shared / smaller > inside_most)
    kept: list[int] = []
    for index in order:
        if not clash[index, kept].any():
            kept.append(int(index))
    return np.array(kept, np.intp)


def clip(xyxy: Floats, width_px: int, height_px: int) -> Floats:
    limit = np.array([width_px, height_px, width_px, height_px], np.float32)
    clipped: Floats = np.clip(xyxy, np.float32(0), limit)
    return clipped
