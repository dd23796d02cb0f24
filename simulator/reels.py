"""Describes videos as moving drawings: vehicles at a checkpoint, people at a gate, a street.

Each video knows the truth of its passings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from cv2.typing import MatLike

from domain.plates import PlateColor
from simulator import scene
from simulator.plates import ASSETS
from simulator.sprites import Sprite, shadow
from simulator.vehicles import GROUND_PX, MIDDLE_PX, PX_PER_M, Bgr, draw_side

PASS_S, EVERY_S = 3.3, 4.4
APPROACH_S, WALK_S, WALK_EVERY_S = 2.6, 5.9, 7.0
FIRST_S = 0.6
STREET_S = 14.0
WALKS = 3


@dataclass(frozen=True, slots=True)
class Car:
    """A vehicle from the front (see `vehicles.draw_with`), and the truth of its plate."""

    plate: str
    plate_color: PlateColor
    picture: MatLike


@dataclass(frozen=True, slots=True)
class PlatePass:
    """The passing of a vehicle, in seconds of the file; it leaves when its plate does."""

    plate: str
    colour: str
    enter_s: float
    leave_s: float


@dataclass(frozen=True, slots=True)
class FacePass:
    """The passing of some people together."""

    faces: int
    enter_s: float
    leave_s: float


@dataclass(frozen=True, slots=True)
class Reel:
    """The content of a file: a function that draws the frame of a time, and the passings."""

    name: str
    duration_s: float
    draw_frame: Callable[[float], MatLike]
    passes: tuple[PlatePass, ...] | tuple[FacePass, ...]


def plates_reel(cars: Sequence[Car]) -> Reel:
    """Draw cars that approach a checkpoint one after the other, with empty road between them."""
    road = scene.checkpoint_road()
    sprites = [Sprite(car.picture, (MIDDLE_PX, GROUND_PX)) for car in cars]
    dark = shadow(560, 110, 150)

    def draw_frame(at_s: float) -> MatLike:
        frame = road.copy()
        number, since_s = int((at_s - FIRST_S) // EVERY_S), (at_s - FIRST_S) % EVERY_S
        if at_s >= FIRST_S and since_s < PASS_S and number < len(cars):
            scale = _approach(since_s)
            x, y = _lane_x_px(number, since_s, scale), scene.ground_y_px(scale)
            dark.paste(frame, x, y - 0.05 * scale, scale / PX_PER_M)
            sprites[number].paste(frame, x, y, scale / PX_PER_M)
        return frame

    passes = tuple(
        PlatePass(
            car.plate,
            car.plate_color.value,
            _enter_s(number),
            round(_enter_s(number) + _leaves_after_s(), 2),
        )
        for number, car in enumerate(cars)
    )
    return Reel("plates", FIRST_S + EVERY_S * len(cars), draw_frame, passes)


def _enter_s(number: int) -> float:
    return round(FIRST_S + EVERY_S * number, 2)


_FAR_PX_PER_M, _NEAR_PX_PER_M = 62.0, 640.0


def _approach(since_s: float) -> float:
    """Return the scale of a vehicle in pixels a metre, `since_s` after it entered the view.

    It brakes towards the checkpoint, so that its size grows by an even ratio.
    """
    return _FAR_PX_PER_M * math.exp(math.log(_NEAR_PX_PER_M / _FAR_PX_PER_M) * since_s / PASS_S)


def _leaves_after_s() -> float:
    """When its plate, some 0.45 m over the ground, is below the picture."""
    gone = (scene.HEIGHT_PX - scene.HORIZON_PX) / (scene.CAMERA_HEIGHT_M - 0.45)
    return PASS_S * math.log(gone / _FAR_PX_PER_M) / math.log(_NEAR_PX_PER_M / _FAR_PX_PER_M)


def _lane_x_px(number: int, since_s: float, scale: float) -> float:
    side = -1 if number % 2 else 1
    sway_m = 0.06 * math.sin(since_s * 2 + number)
    return scene.WIDTH_PX / 2 + (side * scene.LANE_M * 0.46 + sway_m) * scale


_ASIDE_PX_PER_S = 270.0
"""Slow enough that a face covers much of its place of the look before, at six looks a second."""
_GONE_PX = 30
"""A face has left when its middle is so far outside the picture."""
_ALONE_PX, _APART_PX = 60.0, 200.0
"""How far from the middle of the picture someone comes up who is alone, and each of two."""


def faces_reel(abreast: bool = False) -> Reel:
    """Draw a person who approaches a gate and passes it on one side, three times.

    With `abreast`, two people approach together and separate.
    """
    hall, front, people = scene.gate_hall(), Sprite(scene.barrier(), (0, 0)), _people()
    start_px = _APART_PX if abreast else _ALONE_PX

    def draw_frame(at_s: float) -> MatLike:
        frame = hall.copy()
        number, since_s = int((at_s - FIRST_S) // WALK_EVERY_S), (at_s - FIRST_S) % WALK_EVERY_S
        if at_s >= FIRST_S and since_s < WALK_S and number < WALKS:
            scale = 0.42 * 2.9 ** min(1.0, since_s / APPROACH_S)
            step = math.sin(since_s * 6)
            aside = _ASIDE_PX_PER_S * max(0.0, since_s - APPROACH_S)
            y = scene.BARRIER_PX + 40 + 70 * scale + 4 * abs(step)
            for one in (0, 1) if abreast else (number % 2,):
                x = scene.WIDTH_PX / 2 + (-1) ** one * (start_px + aside) + 9 * step
                people[one].paste(frame, x, y, scale)
        front.paste(frame, 0, 0, 1)
        return frame

    leaves_after_s = APPROACH_S + (scene.WIDTH_PX / 2 + _GONE_PX - start_px) / _ASIDE_PX_PER_S
    passes = tuple(
        FacePass(2 if abreast else 1, round(enter_s, 2), round(enter_s + leaves_after_s, 2))
        for enter_s in (FIRST_S + WALK_EVERY_S * number for number in range(WALKS))
    )
    return Reel("faces", FIRST_S + WALK_EVERY_S * WALKS, draw_frame, passes)


def _people() -> list[Sprite]:
    """The portrait, and its mirror image."""
    portrait = cv2.imread(str(ASSETS / "portrait.jpg"))
    mask = cv2.imread(str(ASSETS / "portrait-mask.png"), cv2.IMREAD_GRAYSCALE)
    assert portrait is not None
    assert mask is not None
    soft = cv2.GaussianBlur(cv2.erode(mask, np.ones((3, 3), np.uint8)), (0, 0), 1.0)
    person = np.dstack([portrait, soft])
    return [Sprite(person, (230, 500)), Sprite(np.ascontiguousarray(person[:, ::-1]), (282, 500))]


def street_reel(far_colors: Sequence[Bgr], near_colors: Sequence[Bgr]) -> Reel:
    """Draw cars of these colours that cross a street; there is nothing to read or detect."""
    houses = scene.street()
    cars = [Sprite(draw_side(color), (220, 150)) for color in far_colors]
    mirrored = [
        Sprite(np.ascontiguousarray(draw_side(color)[:, ::-1]), (220, 150)) for color in near_colors
    ]

    def draw_frame(at_s: float) -> MatLike:
        frame = houses.copy()
        for number in range(2):
            near = (at_s - 6.0 * number) / 4.5
            if 0 <= near < 1:
                mirrored[number].paste(frame, -260 + near * 1800, 540, 0.8)
            far = (at_s - 6.0 * number - 2.5) / 3.5
            if 0 <= far < 1:
                cars[number].paste(frame, 1540 - far * 1800, 648, 1.0)
        return frame

    return Reel("street", STREET_S, draw_frame, ())
