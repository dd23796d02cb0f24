"""Rates pictures of plates and faces: a good one is large, sharp, seen from the front, and wholly
in view. The functions are pure, and a larger value is better.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from analytics.detection.detections import Floats, Picture

_ENOUGH_SHARPNESS = 12.0
"""The mean absolute second difference of grey levels. A sharp plate has more, once it is scaled to
one width.
"""


def plate_quality(
    score: float, box: Floats, corners: Floats, rectified: Picture, frame_px: tuple[int, int]
) -> float:
    """Return the width in pixels of a perfect picture of the plate with the same value."""
    return (
        score
        * plate_width_px(corners)
        * sharpness(rectified)
        * plate_frontality(corners)
        * in_view(box, frame_px)
    )


def face_quality(
    score: float, box: Floats, landmarks: Floats, crop: Picture, frame_px: tuple[int, int]
) -> float:
    """Return the side in pixels of a perfect picture of the face with the same value."""
    side_px = math.sqrt(max(float((box[2] - box[0]) * (box[3] - box[1])), 0.0))
    return score * side_px * sharpness(crop) * face_frontality(landmarks) * in_view(box, frame_px)


def plate_width_px(corners: Floats) -> float:
    top_left, top_right, bottom_right, bottom_left = corners
    return (
        float(np.linalg.norm(top_right - top_left) + np.linalg.norm(bottom_right - bottom_left)) / 2
    )


def plate_frontality(corners: Floats) -> float:
    """Return from 0.5 to 1 how near the proportions are to those of the plate (440 by 140 mm)."""
    top_left, top_right, bottom_right, bottom_left = corners
    high_px = (
        float(np.linalg.norm(bottom_left - top_left) + np.linalg.norm(bottom_right - top_right)) / 2
    )
    seen = plate_width_px(corners) / max(high_px, 1e-3)
    return 0.5 + 0.5 * min(1.0, seen / (440 / 140))


def face_frontality(landmarks: Floats) -> float:
    """Return from 0.5 to 1 how near the nose is to the middle between the eyes."""
    left_eye, right_eye, nose = landmarks[0], landmarks[1], landmarks[2]
    apart_px = max(float(right_eye[0] - left_eye[0]), 1e-3)
    aside = abs(float(nose[0] - (left_eye[0] + right_eye[0]) / 2)) / apart_px
    return 1.0 - min(0.5, aside)


def sharpness(picture: Picture) -> float:
    """Return from 0.2 to 1 the sharpness, by the mean absolute Laplacian at a width of 96 px."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    high_px = max(3, round(96 * grey.shape[0] / grey.shape[1]))
    small = cv2.resize(grey, (96, high_px), interpolation=cv2.INTER_AREA)
    edges = float(np.abs(cv2.Laplacian(small, cv2.CV_32F)).mean())
    return 0.2 + 0.8 * min(1.0, edges / _ENOUGH_SHARPNESS)


def in_view(box: Floats, frame_px: tuple[int, int]) -> float:
    """Return from 0.3 to 1 how far the box is inside the frame (width, height).

    It is less than 1 if the box is nearer to a side of the frame than half its own width.
    """
    left, top, right, bottom = (float(value) for value in box)
    room_px = min(left, top, frame_px[0] - right, frame_px[1] - bottom)
    return 0.3 + 0.7 * min(1.0, max(0.0, room_px) / max(0.5 * (right - left), 1.0))
