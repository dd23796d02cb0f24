"""Draws vehicles from the front, as pictures with coverage that a scene scales: sedan, van and
lorry, each with its plate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from cv2.typing import MatLike

from domain.plates import PlateColor
from simulator.plates import PX_PER_MM, draw_plate

PX_PER_M = 460
SIZE_PX = (1000, 1200)  # width, height of the canvas; wheels stand on GROUND_PX
GROUND_PX = 1150
MIDDLE_PX = 500
Shape = Literal["sedan", "van", "lorry"]
Bgr = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Vehicle:
    plate: str
    plate_color: PlateColor
    shape: Shape
    body_color: Bgr


@dataclass(frozen=True, slots=True)
class _Form:
    """Half widths and heights over the ground, in pixels of the canvas."""

    half_width: int
    roof: int
    roof_half: int
    bonnet: int
    plate: int


_FORMS: dict[Shape, _Form] = {
    "sedan": _Form(410, 650, 265, 410, 190),
    "van": _Form(430, 860, 335, 480, 215),
    "lorry": _Form(470, 980, 425, 520, 230),
}


class _Brush:
    """Polygons and ellipses on a canvas, mirrored about its middle, with x from the middle and
    y over the ground.
    """

    def __init__(self) -> None:
        self.canvas: MatLike = np.zeros((SIZE_PX[1], SIZE_PX[0], 4), np.uint8)

    def shape(self, points: list[tuple[float, float]], color: Bgr) -> None:
        """A shape symmetrical about the middle: its right half, from top to bottom."""
        ring = [*points, *[(-x, y) for x, y in reversed(points)]]
        self._fill([(MIDDLE_PX + x, GROUND_PX - y) for x, y in ring], color)

    def pair(self, points: list[tuple[float, float]], color: Bgr) -> None:
        """A shape on the right, and its mirror on the left."""
        for side in (1, -1):
            self._fill([(MIDDLE_PX + side * x, GROUND_PX - y) for x, y in points], color)

    def discs(self, at: tuple[float, float], radii: tuple[int, int], color: Bgr) -> None:
        for side in (1, -1):
            centre = (round(MIDDLE_PX + side * at[0]), round(GROUND_PX - at[1]))
            cv2.ellipse(self.canvas, centre, radii, 0, 0, 360, (*color, 255), -1, cv2.LINE_AA)

    def line(
        self, start: tuple[float, float], end: tuple[float, float], color: Bgr, thickness: int
    ) -> None:
        points = [(round(MIDDLE_PX + x), round(GROUND_PX - y)) for x, y in (start, end)]
        cv2.line(self.canvas, points[0], points[1], (*color, 255), thickness, cv2.LINE_AA)

    def _fill(self, points: list[tuple[float, float]], color: Bgr) -> None:
        cv2.fillPoly(
            self.canvas, [np.array(points).round().astype(np.int32)], (*color, 255), cv2.LINE_AA
        )


def draw_vehicle(vehicle: Vehicle) -> MatLike:
    """The vehicle as BGRA, (1200, 1000, 4)."""
    return draw_with(
        draw_plate(vehicle.plate, vehicle.plate_color), vehicle.shape, vehicle.body_color
    )


def draw_with(plate: MatLike, shape: Shape, body_color: Bgr) -> MatLike:
    """The same, with any picture of a plate that has `PX_PER_MM` pixels a millimetre."""
    form, brush = _FORMS[shape], _Brush()
    _wheels(brush, form)
    _body(brush, form, body_color)
    _glass(brush, form, shape)
    _face(brush, form, body_color)
    _shade(brush.canvas)
    _mount(brush.canvas, plate, form.plate)
    return brush.canvas


def _tint(body_color: Bgr, factor: float) -> Bgr:
    blue, green, red = (min(255, round(value * factor)) for value in body_color)
    return blue, green, red


def _wheels(brush: _Brush, form: _Form) -> None:
    outer = form.half_width - 15
    brush.pair(
        [
            (outer, 190),
            (outer, 15),
            (outer - 20, 0),
            (outer - 105, 0),
            (outer - 120, 15),
            (outer - 120, 190),
        ],
        (26, 26, 28),
    )
    brush.shape([(form.half_width - 60, 200), (form.half_width - 70, 70)], (18, 18, 20))


def _body(brush: _Brush, form: _Form, body_color: Bgr) -> None:
    half, bonnet = form.half_width, form.bonnet
    roof_line = [
        (form.roof_half - 40, form.roof),
        (form.roof_half, form.roof - 35),
        (half - 55, bonnet + 40),
    ]
    brush.shape(
        [*roof_line, (half - 12, bonnet - 20), (half, bonnet - 110), (half, 130), (half - 25, 95)],
        body_color,
    )
    brush.pair(
        [
            (half - 40, bonnet + 70),
            (half + 52, bonnet + 85),
            (half + 58, bonnet + 30),
            (half - 30, bonnet + 15),
        ],
        _tint(body_color, 0.8),
    )
    brush.shape([(half - 85, bonnet + 10), (half - 60, bonnet - 95)], _tint(body_color, 1.14))
    for x in (0.35, -0.35):
        brush.line(
            (half * x, bonnet + 5), (half * x * 0.9, bonnet - 90), _tint(body_color, 0.85), 5
        )


def _glass(brush: _Brush, form: _Form, shape: Shape) -> None:
    top, bottom = form.roof - 45, form.bonnet + 28
    upper, lower = form.roof_half - 22, form.half_width - 88
    brush.shape([(upper, top), (lower, bottom)], (62, 54, 46))
    brush.shape([(upper - 14, top - 10), (lower - 16, bottom + 10)], (98, 86, 72))
    glint = [
        (-upper * 0.75, top - 12),
        (-upper * 0.2, top - 12),
        (-lower * 0.55, bottom + 12),
        (-lower * 0.95, bottom + 12),
    ]
    points = np.array([(MIDDLE_PX + x, GROUND_PX - y) for x, y in glint]).round().astype(np.int32)
    cv2.fillPoly(brush.canvas, [points], (132, 120, 104, 255), cv2.LINE_AA)
    for x in (0.5, -0.5):  # two seats behind the glass
        centre = (round(MIDDLE_PX + x * lower), round(GROUND_PX - (bottom + (top - bottom) * 0.3)))
        cv2.ellipse(
            brush.canvas,
            centre,
            (46, 62 if shape == "sedan" else 80),
            0,
            180,
            360,
            (56, 48, 42, 255),
            -1,
            cv2.LINE_AA,
        )
    brush.line((-lower * 0.9, bottom + 4), (-20, bottom + 34), (22, 22, 22), 7)
    brush.line((20, bottom + 4), (lower * 0.85, bottom + 34), (22, 22, 22), 7)


def _face(brush: _Brush, form: _Form, body_color: Bgr) -> None:
    half, bonnet, plate = form.half_width, form.bonnet, form.plate
    grille_top, grille_bottom = bonnet - 112, plate + 88
    brush.shape([(half * 0.5, grille_top), (half * 0.44, grille_bottom)], (30, 30, 32))
    for y in np.linspace(grille_bottom + 14, grille_top - 14, 4):
        brush.line((-half * 0.46, float(y)), (half * 0.46, float(y)), (112, 112, 116), 6)
    brush.discs((0, (grille_top + grille_bottom) / 2), (30, 30), (200, 200, 204))
    brush.pair(
        [
            (half * 0.56, bonnet - 105),
            (half - 22, bonnet - 72),
            (half - 8, bonnet - 150),
            (half * 0.62, bonnet - 165),
        ],
        (188, 186, 180),
    )
    brush.discs((half * 0.78, bonnet - 122), (38, 30), (250, 250, 246))
    brush.shape([(half * 0.95, plate + 72), (half * 0.97, 125)], _tint(body_color, 0.93))
    brush.shape([(half * 0.6, plate - 66), (half * 0.56, 105)], (34, 34, 36))
    brush.discs((half * 0.8, 165), (34, 22), (215, 215, 205))


def _shade(canvas: MatLike) -> None:
    """Light from above: the lower a part lies, the darker it is, and the sides fall off."""
    height, width = canvas.shape[:2]
    down = np.linspace(1.1, 0.72, height, dtype=np.float32)[:, None]
    across = 1 - 0.16 * np.abs(np.linspace(-1, 1, width, dtype=np.float32))[None, :] ** 3
    canvas[:, :, :3] = np.clip(canvas[:, :, :3] * (down * across)[:, :, None], 0, 255).astype(
        np.uint8
    )


def _mount(canvas: MatLike, plate: MatLike, middle: int) -> None:
    """The plate at its true size against the vehicle, in a dark holder."""
    scale = PX_PER_M / 1000 / PX_PER_MM
    small = cv2.resize(plate, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = small.shape[:2]
    left, top = MIDDLE_PX - width // 2, GROUND_PX - middle - height // 2
    canvas[top - 5 : top + height + 5, left - 5 : left + width + 5, :3] = (40, 40, 40)
    canvas[top : top + height, left : left + width, :3] = small
    canvas[top - 5 : top + height + 5, left - 5 : left + width + 5, 3] = 255


def draw_side(body_color: Bgr) -> MatLike:
    """A car from its left side, driving left, as BGRA (170, 440, 4); its wheels stand at y =
    150.
    """
    canvas: MatLike = np.zeros((170, 440, 4), np.uint8)
    body = [
        (12, 118),
        (18, 84),
        (92, 70),
        (142, 28),
        (270, 26),
        (338, 70),
        (420, 82),
        (428, 122),
        (400, 130),
        (40, 130),
    ]
    windows = [
        [(112, 70), (150, 36), (202, 34), (202, 70)],
        [(212, 70), (212, 34), (266, 34), (316, 70)],
    ]
    cv2.fillPoly(canvas, [np.array(body, np.int32)], (*body_color, 255), cv2.LINE_AA)
    for window in windows:
        cv2.fillPoly(canvas, [np.array(window, np.int32)], (92, 80, 66, 255), cv2.LINE_AA)
    cv2.line(canvas, (24, 100), (424, 100), (*_tint(body_color, 0.8), 255), 3, cv2.LINE_AA)
    for x in (96, 346):
        cv2.circle(canvas, (x, 122), 30, (26, 26, 28, 255), -1, cv2.LINE_AA)
        cv2.circle(canvas, (x, 122), 16, (160, 160, 162, 255), -1, cv2.LINE_AA)
    cv2.ellipse(canvas, (26, 92), (10, 6), 0, 0, 360, (240, 246, 250, 255), -1, cv2.LINE_AA)
    return canvas
