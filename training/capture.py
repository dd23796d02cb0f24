"""Shows a flat plate as a camera would: in perspective, lit, dirty, blurred, small, compressed,
badly cut. Not shipped in the package.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.detection.two_rows import UPPER_ROW_WIDTH, unroll
from training.glyphs import Floats, Grey
from training.plates import FlatPlate
from training.texts import Rng

Doubles = NDArray[np.float64]
WIDTH_PX, HEIGHT_PX = 128, 32
_UNIT = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])


@dataclass(frozen=True)
class Hardness:
    """How bad pictures get: 1 is the training's worst, 0 clean studio shots."""

    level: float = 1.0
    least_height_px: float = 10
    most_height_px: float = 48
    defocus_px: tuple[float, float] | None = None
    """Least and most sigma of the blur, of a plate 48 px high, where it is to be known;
    otherwise motion, defocus or neither by `level`.
    """


@dataclass(frozen=True, slots=True)
class Shot:
    """`crop` (32, 128, 3) blue, green, red, as the reader gets it; `places` (n,) the
    characters' middles as parts of its width.
    """

    crop: Grey
    places: Floats


def capture(plate: FlatPlate, rng: Rng, hardness: Hardness | None = None) -> Shot:
    hard = hardness or Hardness()
    rows = plate.kind.rows
    high_px = (
        hard.least_height_px
        + (hard.most_height_px - hard.least_height_px) * float(rng.random()) ** 0.8
    )
    canvas_px = min(48.0, max(24.0, 1.4 * high_px))
    wide, high = round(4 * canvas_px), round(canvas_px) * rows
    quad = _quad(plate, rng, hard.level) * np.array([wide, high], np.float32)
    source_high, source_wide = plate.layers.shape[:2]
    source = np.array(
        [[0, 0], [source_wide, 0], [source_wide, source_high], [0, source_high]], np.float32
    )
    matrix = np.asarray(cv2.getPerspectiveTransform(source, quad), np.float64)
    places = cv2.perspectiveTransform(plate.centres[None], matrix)[0, :, 0] / np.float32(wide)
    picture = _light(_place(plate, matrix, quad, (wide, high), rng), rng, hard.level)
    picture = _blur(picture, canvas_px / 48, rng, hard)
    small = _sense(_shrink(picture, round(min(high_px, canvas_px)) * rows, rng), rng, hard.level)
    if rows == 2:
        return Shot(unroll(small, WIDTH_PX, HEIGHT_PX), _unrolled(places, len(plate.text) - 5))
    interpolation = (
        cv2.INTER_AREA
        if small.shape[1] > WIDTH_PX
        else int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
    )
    return Shot(
        np.asarray(cv2.resize(small, (WIDTH_PX, HEIGHT_PX), interpolation=interpolation), np.uint8),
        places,
    )


def _unrolled(places: Floats, upper: int) -> Floats:
    """`upper` characters stand in the upper row."""
    lower = UPPER_ROW_WIDTH + places[upper:] * (1 - UPPER_ROW_WIDTH)
    return np.concatenate([places[:upper] * UPPER_ROW_WIDTH, lower]).astype(np.float32)


def _quad(plate: FlatPlate, rng: Rng, level: float) -> Floats:
    """(4, 2) corners of the plate as parts of the crop; two rows are read only where corners
    were detected.
    """
    if rng.random() < (0.85 if plate.kind.rows == 2 else 0.5):
        return _straightened(rng, level)
    return _askew(plate.layers.shape[1], plate.layers.shape[0], rng, level)


def _place(
    plate: FlatPlate, matrix: Doubles, quad: Floats, canvas: tuple[int, int], rng: Rng
) -> Floats:
    wide, high = canvas
    layers = cv2.warpPerspective(plate.layers, matrix, canvas, flags=cv2.INTER_LINEAR).astype(
        np.float32
    ) * np.float32(1 / 255)
    picture = np.asarray(
        cv2.resize(plate.ground, canvas, interpolation=cv2.INTER_LINEAR), np.float32
    )
    for channel, colour in ((2, plate.rim), (0, plate.ink), (1, plate.red)):
        if channel == 0 or layers[:, :, channel].any():
            picture += layers[:, :, channel, None] * (colour - picture)
    inside = np.zeros((high, wide), np.uint8)
    cv2.fillConvexPoly(inside, np.round(quad * 8).astype(np.int32), 255, cv2.LINE_AA, 3)
    if inside.min() == 255:
        return picture
    around = _surroundings(wide, high, rng)
    return (
        around + (picture - around) * (inside.astype(np.float32) * np.float32(1 / 255))[:, :, None]
    )


def _straightened(rng: Rng, level: float) -> Floats:
    """(4, 2) corners of the plate as parts of the crop, which was straightened by detected
    corners a little off the true ones.
    """
    jitter = rng.normal(0, 1, (4, 2)) * np.array([0.012, 0.04]) * level
    return _grow(_UNIT + jitter, rng.uniform(-0.025, 0.06, (2, 2)) * np.array([1, 2]) * level)


def _askew(wide: float, high: float, rng: Rng, level: float) -> Floats:
    """(4, 2) corners of a turned, sheared, tapering plate as parts of the upright box around it."""
    steepest_deg = 9 if rng.random() < 0.6 else 16
    angle = np.deg2rad(rng.uniform(-steepest_deg, steepest_deg) * level)
    shear, squeeze = rng.uniform(-0.35, 0.35) * level, rng.uniform(1 - 0.35 * level, 1.1)
    points = (_UNIT - 0.5) * np.array([wide * squeeze, high])
    points[:, 0] += shear * points[:, 1]
    points[:, 1] *= 1 + rng.uniform(-0.12, 0.12) * level * np.sign(points[:, 0])
    points = points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    margin = rng.uniform(-0.03, 0.15 * rng.random(), (2, 2)) * np.array([0.7, 1.2]) * level
    return _grow((points - points.min(axis=0)) / np.ptp(points, axis=0), margin)


def _grow(corners: Doubles, margin: Doubles) -> Floats:
    """Corners as parts of a box with `margin` (before and after; x and y) around it."""
    return np.asarray((corners + margin[0]) / (1 + margin[0] + margin[1]), np.float32)


def _surroundings(wide: int, high: int, rng: Rng) -> Floats:
    """Bumper, grille, frame: bands and blobs in dull colours."""
    base = rng.uniform(10, 235) + rng.uniform(-20, 20, 3)
    if rng.random() < 0.5:
        coarse = (
            base
            + rng.normal(0, 45, (int(rng.integers(1, 7)), int(rng.integers(1, 7)), 1))
            + rng.normal(0, 8, 3)
        )
    else:
        coarse = np.broadcast_to(base, (1, 1, 3))
    picture = cv2.resize(
        np.ascontiguousarray(np.clip(coarse, 0, 255), np.float32),
        (wide, high),
        interpolation=cv2.INTER_LINEAR,
    )
    if rng.random() < 0.4:
        y = int(rng.integers(0, high))
        cv2.line(
            picture,
            (0, y),
            (wide, y + int(rng.integers(-12, 13))),
            rng.uniform(0, 255, 3).tolist(),
            int(rng.integers(1, 8)),
        )
    return np.asarray(picture, np.float32)


def _light(picture: Floats, rng: Rng, level: float) -> Floats:
    high, wide = picture.shape[:2]
    lit = picture
    if rng.random() < 0.5 * level:
        coarse = rng.uniform(1 - 0.45 * level, 1.1, (2, 3)).astype(np.float32)
        lit = lit * cv2.resize(coarse, (wide, high), interpolation=cv2.INTER_LINEAR)[:, :, None]
    if rng.random() < 0.15 * level:
        lit = lit * _shadow(wide, high, rng)[:, :, None]
    if rng.random() < 0.2 * level:
        dirt = cv2.resize(
            rng.random((5, 16)).astype(np.float32), (wide, high), interpolation=cv2.INTER_CUBIC
        )
        cover = np.clip((dirt - rng.uniform(0.6, 0.9)) * 4, 0, rng.uniform(0.3, 0.8))[:, :, None]
        lit = lit + (rng.uniform(40, 170) - lit) * cover
    return np.asarray(lit, np.float32)


def _shadow(wide: int, high: int, rng: Rng) -> Floats:
    shade = np.ones((high, wide), np.float32)
    x = rng.uniform(0, wide, 2)
    points = np.array([[0, 0], [x[0], 0], [x[1], high], [0, high]], np.int32)
    if rng.random() < 0.5:
        y = rng.uniform(0, high, 2)
        points = np.array([[0, 0], [wide, 0], [wide, y[0]], [0, y[1]]], np.int32)
    cv2.fillConvexPoly(shade, points, float(rng.uniform(0.35, 0.8)))
    return shade


def _blur(picture: Floats, scale: float, rng: Rng, hard: Hardness) -> Floats:
    """Motion, defocus or neither; `scale` is the picture's size against one 48 px high."""
    if hard.defocus_px is not None:
        return np.asarray(
            cv2.GaussianBlur(picture, (0, 0), scale * max(0.1, rng.uniform(*hard.defocus_px))),
            np.float32,
        )
    roll, level = rng.random(), hard.level
    if roll < 0.35 * level:
        length = round(scale * (1.5 + 9 * level * rng.random() ** 1.5))
        return np.asarray(cv2.filter2D(picture, -1, _motion(max(2, length), rng)), np.float32)
    if roll < 0.8:
        sigma = scale * (0.3 + 2.4 * level * rng.random() ** 2)
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)
    return picture


def _motion(length: int, rng: Rng) -> Floats:
    kernel = np.zeros((length, length), np.float32)
    middle = (length - 1) / 2
    angle = rng.uniform(-0.5, 0.5) if rng.random() < 0.6 else rng.uniform(0, np.pi)
    step = np.array([np.cos(angle), np.sin(angle)]) * middle
    start, end = np.round(middle - step).astype(int), np.round(middle + step).astype(int)
    cv2.line(kernel, start.tolist(), end.tolist(), 1.0)
    return kernel / max(float(kernel.sum()), 1.0)


def _shrink(picture: Floats, high_px: int, rng: Rng) -> Floats:
    wide_px = round(high_px / picture.shape[0] * picture.shape[1] * rng.uniform(0.8, 1.1))
    interpolation = cv2.INTER_AREA if rng.random() < 0.7 else cv2.INTER_LINEAR
    return np.asarray(
        cv2.resize(picture, (wide_px, high_px), interpolation=interpolation), np.float32
    )


def _sense(picture: Floats, rng: Rng, level: float) -> Grey:
    """The camera's part: exposure, colour cast, noise, sharpening, compression."""
    gain = rng.uniform(1 - 0.6 * level, 1 + 0.5 * level) * (1 + rng.uniform(-0.18, 0.18, 3) * level)
    if rng.random() < 0.16 * level:
        gain = gain * (rng.uniform(0.15, 0.5) if rng.random() < 0.5 else rng.uniform(1.2, 1.8))
    bias = rng.uniform(-25 * min(1.0, float(gain.mean())), 45) * level
    seen = picture * gain.astype(np.float32) + np.float32(bias)
    if rng.random() < 0.12:
        seen = np.repeat(
            (seen @ np.array([0.114, 0.587, 0.299], np.float32))[:, :, None], 3, axis=2
        )
    if rng.random() < 0.7:
        seen = seen + rng.standard_normal(seen.shape, np.float32) * np.float32(
            14 * level * rng.random() ** 2
        )
    if rng.random() < 0.25 * level:
        seen = seen + rng.uniform(0.4, 2) * (
            seen - cv2.GaussianBlur(seen, (0, 0), rng.uniform(0.7, 1.6))
        )
    sensed = np.asarray(np.clip(seen, 0, 255), np.uint8)
    if rng.random() < 0.5 * level:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 95))]
        sensed = np.asarray(
            cv2.imdecode(cv2.imencode(".jpg", sensed, quality)[1], cv2.IMREAD_COLOR), np.uint8
        )
    return sensed
