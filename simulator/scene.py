"""Draws the places of the demo: the road of a vehicle checkpoint, the gate of a face
checkpoint, and an ordinary street.
"""

from __future__ import annotations

import cv2
import numpy as np
from cv2.typing import MatLike

WIDTH_PX, HEIGHT_PX = 1280, 720
HORIZON_PX = -220
CAMERA_HEIGHT_M = 3.6
LANE_M = 3.2
BARRIER_PX = 590
Bgr = tuple[int, int, int]
Points = list[tuple[float, float]]


def px_per_m(ground_y_px: float) -> float:
    """How large a metre is where the ground is seen at this height of the picture (a pinhole
    camera over flat ground).
    """
    return (ground_y_px - HORIZON_PX) / CAMERA_HEIGHT_M


def ground_y_px(scale_px_per_m: float) -> float:
    return HORIZON_PX + CAMERA_HEIGHT_M * scale_px_per_m


def _ground(x_m: float, y_px: float) -> tuple[float, float]:
    return WIDTH_PX / 2 + x_m * px_per_m(y_px), y_px


def _fill(canvas: MatLike, points: Points, color: Bgr) -> None:
    cv2.fillPoly(canvas, [np.array(points).round().astype(np.int32)], color, cv2.LINE_AA)


def _strip(
    canvas: MatLike, left_m: float, right_m: float, span_px: tuple[float, float], color: Bgr
) -> None:
    """A strip of ground between two distances from the middle, from one height of the picture
    to another.
    """
    top, bottom = span_px
    _fill(
        canvas,
        [
            _ground(left_m, top),
            _ground(right_m, top),
            _ground(right_m, bottom),
            _ground(left_m, bottom),
        ],
        color,
    )


def checkpoint_road() -> MatLike:
    """Two lanes coming towards the camera, seen from a gantry."""
    random = np.random.default_rng(7)
    canvas = np.full((HEIGHT_PX, WIDTH_PX, 3), (92, 128, 104), np.uint8)
    _speckle(canvas, random, 26, 3)
    everywhere = (0.0, float(HEIGHT_PX))
    _strip(canvas, -6.2, 6.2, everywhere, (150, 156, 160))
    _strip(canvas, -4.1, 4.1, everywhere, (178, 182, 184))
    _strip(canvas, -3.9, 3.9, everywhere, (112, 112, 114))
    for x_m in (-3.55, 3.55):
        _strip(canvas, x_m - 0.07, x_m + 0.07, everywhere, (225, 225, 225))
    for start_m in np.arange(2.0, 22.0, 4.0):
        top, bottom = (ground_y_px(620 / (distance + 2.2)) for distance in (start_m + 2.0, start_m))
        _strip(canvas, -0.07, 0.07, (top, bottom), (228, 228, 228))
    for x_m in np.arange(-3.3, 3.4, 0.62):
        _strip(canvas, float(x_m), float(x_m) + 0.32, (612.0, 668.0), (216, 216, 216))
    for side in (-1, 1):
        for y_px in (60, 190, 420):
            _tree(canvas, _ground(side * 6.9, y_px), px_per_m(y_px), random)
    _speckle(canvas, random, 12, 1)
    return _wear(canvas, random)


def _tree(
    canvas: MatLike, foot: tuple[float, float], scale: float, random: np.random.Generator
) -> None:
    """A crown seen from above and aside, with its shadow over the pavement."""
    x, y = foot
    cv2.ellipse(
        canvas,
        (round(x), round(y)),
        (round(scale * 1.3), round(scale * 0.5)),
        0,
        0,
        360,
        (70, 84, 78),
        -1,
        cv2.LINE_AA,
    )
    cv2.line(
        canvas,
        (round(x), round(y)),
        (round(x), round(y - scale * 1.4)),
        (52, 66, 84),
        max(2, round(scale * 0.18)),
        cv2.LINE_AA,
    )
    for _ in range(26):
        dx, dy = random.normal(0, 0.55, 2)
        shade = random.integers(-16, 22)
        centre = (round(x + dx * scale), round(y - scale * (1.9 + 0.7 * dy)))
        color = (48 + int(shade) // 2, 104 + int(shade), 62 + int(shade) // 2)
        cv2.circle(canvas, centre, round(scale * random.uniform(0.25, 0.5)), color, -1, cv2.LINE_AA)


def _speckle(canvas: MatLike, random: np.random.Generator, amplitude: int, blur_px: float) -> None:
    """The grain of ground: blotches of light and dark, in place."""
    noise = random.normal(0, 1, canvas.shape[:2]).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), blur_px)
    noise *= amplitude / max(1e-6, float(np.abs(noise).max()))
    canvas[:] = np.clip(canvas + noise[:, :, None], 0, 255).astype(np.uint8)


def _wear(canvas: MatLike, random: np.random.Generator) -> MatLike:
    """Large soft shadows and a darker edge of the picture, as lenses have."""
    clouds = cv2.resize(
        random.normal(1, 0.05, (6, 10)).astype(np.float32),
        (canvas.shape[1], canvas.shape[0]),
        interpolation=cv2.INTER_CUBIC,
    )
    y, x = np.mgrid[-1 : 1 : canvas.shape[0] * 1j, -1 : 1 : canvas.shape[1] * 1j]
    vignette = 1 - 0.14 * (x**2 + y**2).astype(np.float32)
    shaded = np.clip(canvas * (clouds * vignette)[:, :, None], 0, 255).astype(np.uint8)
    softened: MatLike = cv2.GaussianBlur(shaded, (0, 0), 0.7)
    return softened


def gate_hall() -> MatLike:
    """Draw the hall behind a gate: entrances, pillars and a tiled floor."""
    random = np.random.default_rng(11)
    canvas = np.full((HEIGHT_PX, WIDTH_PX, 3), (206, 208, 204), np.uint8)
    _fill(canvas, [(0, 0), (WIDTH_PX, 0), (WIDTH_PX, 70), (0, 70)], (188, 186, 182))
    for x in range(110, WIDTH_PX, 212):
        cv2.rectangle(canvas, (x, 110), (x + 190, 430), (176, 168, 150), -1)
        cv2.rectangle(canvas, (x + 6, 116), (x + 184, 424), (214, 206, 186), -1)
        _fill(
            canvas,
            [(x + 30, 116), (x + 80, 116), (x + 40, 424), (x + 6, 424), (x + 6, 300)],
            (230, 224, 210),
        )
        cv2.line(canvas, (x + 95, 116), (x + 95, 424), (150, 144, 132), 4, cv2.LINE_AA)
    for x in (40, 420, 860, 1240):
        _fill(canvas, [(x - 26, 40), (x + 26, 40), (x + 26, 470), (x - 26, 470)], (164, 170, 172))
        _fill(canvas, [(x - 26, 40), (x - 8, 40), (x - 8, 470), (x - 26, 470)], (190, 196, 198))
    _fill(
        canvas, [(0, 440), (WIDTH_PX, 440), (WIDTH_PX, HEIGHT_PX), (0, HEIGHT_PX)], (150, 158, 164)
    )
    for step in range(-14, 15):
        cv2.line(
            canvas,
            (640 + step * 60, 440),
            (640 + step * 210, HEIGHT_PX),
            (132, 140, 146),
            2,
            cv2.LINE_AA,
        )
    for y in (462, 494, 540, 606, 690):
        cv2.line(canvas, (0, y), (WIDTH_PX, y), (134, 142, 148), 2, cv2.LINE_AA)
    return _wear(canvas, random)


def barrier() -> MatLike:
    """The turnstiles in front, BGRA of the frame's size."""
    canvas = np.zeros((HEIGHT_PX, WIDTH_PX, 4), np.uint8)
    cv2.rectangle(canvas, (0, BARRIER_PX), (WIDTH_PX, HEIGHT_PX), (118, 112, 104, 255), -1)
    cv2.rectangle(canvas, (0, BARRIER_PX), (WIDTH_PX, BARRIER_PX + 14), (206, 202, 196, 255), -1)
    for x in range(60, WIDTH_PX, 290):
        cv2.rectangle(canvas, (x, BARRIER_PX - 26), (x + 74, HEIGHT_PX), (166, 160, 152, 255), -1)
        cv2.rectangle(
            canvas, (x, BARRIER_PX - 26), (x + 74, BARRIER_PX - 12), (222, 218, 212, 255), -1
        )
        cv2.circle(canvas, (x + 37, BARRIER_PX + 34), 13, (90, 200, 90, 255), -1, cv2.LINE_AA)
    return canvas


def street() -> MatLike:
    """Houses, trees and a road seen from its side."""
    random = np.random.default_rng(23)
    sky = np.linspace((236, 206, 170), (240, 232, 222), 330)[:, None, :]
    canvas = np.full((HEIGHT_PX, WIDTH_PX, 3), (150, 156, 160), np.uint8)
    canvas[:330] = sky.astype(np.uint8)
    left = -30
    while left < WIDTH_PX:
        width, height = int(random.integers(120, 230)), int(random.integers(150, 330))
        _house(
            canvas,
            (left, 430 - height, width, height),
            tuple(int(v) for v in random.integers(120, 205, 3)),
        )
        left += width + int(random.integers(-4, 30))
    _fill(canvas, [(0, 430), (WIDTH_PX, 430), (WIDTH_PX, 486), (0, 486)], (166, 172, 176))
    _fill(canvas, [(0, 486), (WIDTH_PX, 486), (WIDTH_PX, 676), (0, 676)], (104, 104, 106))
    for x in range(-40, WIDTH_PX, 150):
        _fill(canvas, [(x, 576), (x + 84, 576), (x + 80, 583), (x - 6, 583)], (222, 222, 222))
    for x in range(70, WIDTH_PX, 260):
        _tree(canvas, (float(x), 470.0), 62.0, random)
    _speckle(canvas, random, 9, 1)
    return _wear(canvas, random)


def _house(canvas: MatLike, box: tuple[int, int, int, int], color: tuple[int, ...]) -> None:
    left, top, width, height = box
    cv2.rectangle(canvas, (left, top), (left + width, top + height), color, -1)
    cv2.rectangle(
        canvas, (left, top), (left + width, top + 9), [value * 0.8 for value in color], -1
    )
    for x in range(left + 14, left + width - 20, 34):
        for y in range(top + 24, top + height - 40, 40):
            cv2.rectangle(canvas, (x, y), (x + 18, y + 24), (126, 108, 88), -1)
            cv2.rectangle(canvas, (x, y), (x + 18, y + 7), (176, 160, 140), -1)
