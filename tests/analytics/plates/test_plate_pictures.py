"""Cutting, colouring, judging and masking pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from analytics.detection.best_shot import (
    face_frontality,
    in_view,
    plate_frontality,
    plate_width_px,
    sharpness,
)
from analytics.detection.detections import Picture
from analytics.detection.masks import Masks
from analytics.detection.motion import moves, thumbnail
from analytics.plates.color import plate_color, votes
from analytics.plates.crop import HEIGHT_PX, WIDTH_PX, around, rectify
from analytics.plates.reader import MARGIN_WIDTH_PX, with_margin
from domain.plates import PlateColor


def corners(*points: tuple[float, float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(points, np.float32)


def drawn_plate(
    ground_bgr: tuple[int, int, int],
    ink_bgr: tuple[int, int, int],
    light: float = 1.0,
    noise: float = 0.0,
) -> Picture:
    picture = np.full((HEIGHT_PX, WIDTH_PX, 3), ground_bgr, np.uint8)
    for n in range(7):
        cv2.putText(picture, "8", (8 + 25 * n, 38), cv2.FONT_HERSHEY_SIMPLEX, 1.1, ink_bgr, 3)
    noisy = picture * light + np.random.default_rng(7).normal(0, noise, picture.shape)
    return np.asarray(noisy.clip(0, 255), np.uint8)


GROUNDS = [
    (PlateColor.BLUE, (180, 70, 20), (255, 255, 255)),
    (PlateColor.YELLOW, (20, 180, 230), (10, 10, 10)),
    (PlateColor.GREEN, (120, 200, 90), (10, 10, 10)),
    (PlateColor.WHITE, (235, 235, 235), (10, 10, 10)),
    (PlateColor.BLACK, (25, 20, 20), (240, 240, 240)),
]


@pytest.mark.parametrize(("color", "ground", "ink"), GROUNDS)
@pytest.mark.parametrize(("light", "noise"), [(1.0, 0.0), (1.0, 12.0), (0.5, 4.0), (0.3, 2.0)])
def test_the_ground_gives_the_colour(
    color: PlateColor,
    ground: tuple[int, int, int],
    ink: tuple[int, int, int],
    light: float,
    noise: float,
) -> None:
    assert plate_color(votes(drawn_plate(ground, ink, light, noise))) is color


def test_no_votes_are_no_colour() -> None:
    assert plate_color({}) is PlateColor.UNKNOWN
    assert plate_color({PlateColor.BLUE: 0.05}) is PlateColor.UNKNOWN


def test_a_slanted_plate_is_made_upright() -> None:
    frame = np.zeros((200, 400, 3), np.uint8)
    shape = corners((100, 60), (300, 90), (295, 140), (95, 110))
    cv2.fillConvexPoly(frame, shape.astype(np.int32), (200, 100, 50))
    upright = rectify(frame, shape)
    assert upright.shape == (HEIGHT_PX, WIDTH_PX, 3)
    assert (upright[3:-3, 3:-3] == (200, 100, 50)).mean() > 0.97
    assert (rectify(frame, shape, 0.1, 0.1)[1] == 0).all(), "grown, it shows what is around"


def test_corners_outside_the_frame_do_no_harm() -> None:
    assert (
        rectify(
            np.full((50, 50, 3), 9, np.uint8), corners((-20, -20), (80, -20), (80, 10), (-20, 10))
        ).min()
        == 9
    )


@pytest.mark.parametrize(
    "box",
    [(10, 10, 20, 20), (-5, -5, 3, 3), (95, 95, 120, 120), (200, 200, 300, 300), (5, 5, 5, 5)],
)
def test_a_part_of_the_picture_is_never_empty(box: tuple[float, ...]) -> None:
    part = around(np.zeros((100, 100, 3), np.uint8), np.array(box, np.float32), 0.2, 0.2)
    assert min(part.shape[:2]) >= 1


def test_the_margin_repeats_the_edges() -> None:
    crop = drawn_plate((180, 70, 20), (255, 255, 255))
    framed = with_margin(crop)
    assert framed.shape == (32, MARGIN_WIDTH_PX, 3)
    assert np.ptp(framed[:, :18].astype(int), axis=1).max() <= 2


def test_quality_prefers_large_sharp_straight_and_wholly_in_view() -> None:
    sharp = drawn_plate((180, 70, 20), (255, 255, 255))
    assert sharpness(sharp) > 1.5 * sharpness(
        np.asarray(cv2.GaussianBlur(sharp, (31, 31), 0), np.uint8)
    )
    front, side = (
        corners((0, 0), (110, 0), (110, 35), (0, 35)),
        corners((0, 0), (60, 0), (60, 35), (0, 35)),
    )
    assert plate_frontality(front) > plate_frontality(side)
    assert plate_width_px(front) == 110
    frame_px = (1920, 1080)
    assert in_view(np.array([900, 500, 1000, 530], np.float32), frame_px) == 1.0
    assert in_view(np.array([900, 1050, 1000, 1080], np.float32), frame_px) == pytest.approx(0.3)
    straight, turned = (
        corners((10, 10), (30, 10), (20, 20), (12, 30), (28, 30)),
        corners((10, 10), (30, 10), (29, 20), (20, 30), (29, 30)),
    )
    assert face_frontality(straight) == 1.0
    assert face_frontality(turned) < 0.7


def test_masks_black_out_a_copy() -> None:
    frame = np.full((100, 200, 3), 50, np.uint8)
    masked = Masks((((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)),)).apply(frame)
    assert (frame == 50).all(), "a frame is never written to"
    assert masked[:, :99].max() == 0
    assert masked[:, 102:].min() == 50
    assert Masks(()).apply(frame) is frame


def _noisy(base: int, sigma: float, seed: int) -> Picture:
    return np.asarray(
        (base + np.random.default_rng(seed).normal(0, sigma, (1080, 1920))).clip(0, 255), np.uint8
    )


@pytest.mark.parametrize("sigma", [0.0, 3.0, 10.0])
def test_noise_and_a_change_of_light_are_no_motion_and_a_plate_is(sigma: float) -> None:
    before, now = thumbnail(_noisy(100, sigma, 1)), _noisy(106, sigma, 2)
    assert not moves(before, thumbnail(now))
    now[500:560, 900:1100] = 190
    assert moves(before, thumbnail(now))


def test_a_lorry_that_fills_the_picture_and_leaves_is_motion() -> None:
    before = _noisy(100, 2.0, 1)
    before[:, :1500] = np.random.default_rng(3).integers(0, 255, (1080, 1500), np.uint8) // 2
    assert moves(thumbnail(before), thumbnail(_noisy(100, 2.0, 2)))
    assert moves(None, thumbnail(before))
