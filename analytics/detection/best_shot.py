"""How good a picture of a plate or a face is: large, sharp, seen from the front, and wholly in
view. Pure functions; more is better.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from analytics.detection.detections import Floats, Picture

_ENOUGH_SHARPNESS = 12.0
"""Mean absolute second difference of grey levels; a sharp plate of any size has more, once
scaled to one width.
"""


def plate_quality(
    score: float, box: Floats, corners: Floats, rectified: Picture, frame_px: tuple[int, int]
) -> float:
    """The width of the plate in pixels, as if it were sharp, straight and wholly in view."""
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
    """The side of the face in pixels, as if it were sharp, turned to the camera and wholly in
    view.
    """
    side_px = math.sqrt(max(float((box[2] - box[0]) * (box[3] - box[1])), 0.0))
    return score * side_px * sharpness(crop) * face_frontality(landmarks) * in_view(box, frame_px)


def plate_width_px(corners: Floats) -> float:
    top_left, top_right, bottom_right, bottom_left = corners
    return (
        float(np.linalg.norm(top_right - top_left) + np.linalg.norm(bottom_right - bottom_left)) / 2
    )


def plate_frontality(corners: Floats) -> float:
    """From 0.5 to 1: how nearly the plate's width is to its height as it is on the vehicle (440
    mm by 140 mm).
    """
    top_left, top_right, bottom_right, bottom_left = corners
    high_px = (
        float(np.linalg.norm(bottom_left - top_left) + np.linalg.norm(bottom_right - top_right)) / 2
    )
    seen = plate_width_px(corners) / max(high_px, 1e-3)
    return 0.5 + 0.5 * min(1.0, seen / (440 / 140))


def face_frontality(landmarks: Floats) -> float:
    """From 0.5 to 1: how nearly the nose lies between the eyes."""
    left_eye, right_eye, nose = landmarks[0], landmarks[1], landmarks[2]
    apart_px = max(float(right_eye[0] - left_eye[0]), 1e-3)
    aside = abs(float(nose[0] - (left_eye[0] + right_eye[0]) / 2)) / apart_px
    return 1.0 - min(0.5, aside)


def sharpness(picture: Picture) -> float:
    """From 0.2 to 1, by the mean absolute Laplacian of the picture at about 96 px of width."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    high_px = max(3, round(96 * grey.shape[0] / grey.shape[1]))
    small = cv2.resize(grey, (96, high_px), interpolation=cv2.INTER_AREA)
    edges = float(np.abs(cv2.Laplacian(small, cv2.CV_32F)).mean())
    return 0.2 + 0.8 * min(1.0, edges / _ENOUGH_SHARPNESS)


def in_view(box: Floats, frame_px: tuple[int, int]) -> float:
    """From 0.3 to 1: less where the box is nearer to a side of the frame (width, height) than
    half its own width.
    """
    left, top, right, bottom = (float(value) for value in box)
    room_px = min(left, top, frame_px[0] - right, frame_px[1] - bottom)
    return 0.3 + 0.7 * min(1.0, max(0.0, room_px) / max(0.5 * (right - left), 1.0))
