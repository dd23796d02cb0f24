"""Draws a plate flat and clean, as GA 36 lays it out: which glyph stands where, in which colours.
Not shipped in the package.

Layouts are in millimetres; drawings have 0.6 px a millimetre, so that a character of 90 mm is as
high as a glyph.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from domain.plates import ARMED_POLICE, DIGITS, LETTERS, PROVINCES, PlateColor
from training.glyphs import SIDE_PX, Floats, Glyphs, Grey
from training.texts import ARMED_POLICE_KINDS, MILITARY_KINDS, Kind, Rng
from training.variation import vary

PX_A_MM = 0.6
LATIN = frozenset(DIGITS + LETTERS + "O")
GROUNDS: dict[PlateColor, tuple[int, int, int]] = {
    PlateColor.BLUE: (185, 75, 15),
    PlateColor.YELLOW: (25, 175, 235),
    PlateColor.GREEN: (110, 205, 90),
    PlateColor.WHITE: (228, 228, 228),
    PlateColor.BLACK: (35, 35, 35),
}
"""Blue, green, red of each ground before it is varied."""
_LIGHT_INK = frozenset({PlateColor.BLUE, PlateColor.BLACK})
_RED_TAILS = frozenset("警使领")


@dataclass(frozen=True, slots=True)
class Box:
    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float


@dataclass(frozen=True, slots=True)
class Layout:
    width_mm: float
    height_mm: float
    boxes: tuple[Box, ...]
    dot_mm: tuple[float, float] | None


@dataclass(frozen=True)
class FlatPlate:
    """A plate seen from the front. `layers` (h, w, 3): ink, red ink, rim and bolts, each 0 to 255;
    `ground` (2, 2, 3) at its corners, the inks' and the rim's colours (3,), as blue, green, red;
    `centres` (n, 2) px of the characters.
    """

    text: str
    kind: Kind
    layers: Grey
    ground: Floats
    ink: Floats
    red: Floats
    rim: Floats
    centres: Floats


def layout(kind: Kind, text: str, rng: Rng) -> Layout:
    """Where each character of `text` stands."""
    if kind.rows == 2:
        upper = (
            [Box(110, 15, 80, 60), Box(250, 15, 80, 60)]
            if len(text) == 7
            else [Box(60 + 120 * i, 15, 80, 60) for i in range(3)]
        )
        return Layout(
            440,
            220,
            tuple(upper + [Box(27.5 + 80 * i, 90, 65, 110) for i in range(5)]),
            (220, 45) if len(text) == 7 else None,
        )
    if kind.color is PlateColor.GREEN:
        xs = [15.5, 15.5 + 54] + [15.5 + 54 + 43 + 49 + 52 * i for i in range(6)]
        dot = (15.5 + 54 + 43 + 24.5, 70.0) if rng.random() < 0.3 else None
        return Layout(480, 140, tuple(Box(x, 25, 45 if x < 20 else 43, 90) for x in xs), dot)
    if kind.name == "armed police" and len(text) == 8:
        head = [Box(14, 25, 42, 90), Box(62, 25, 42, 90), Box(112, 45, 40, 70)]
        return Layout(
            440, 140, tuple(head + [Box(176 + 50 * i, 25, 43, 90) for i in range(5)]), (164, 80)
        )
    after = 2
    if kind.name == "embassy":
        after = int(rng.choice([1, 4]))
    elif kind.name == "police":
        after = int(rng.choice([1, 2]))
    xs = [15.5 + 57 * i + (22 if i >= after else 0) for i in range(7)]
    dot = None if rng.random() < 0.04 else (xs[after] - 17, 70.0)
    return Layout(440, 140, tuple(Box(x, 25, 45, 90) for x in xs), dot)


def draw_plate(text: str, kind: Kind, glyphs: Glyphs, rng: Rng, varied: bool = False) -> FlatPlate:
    """`varied`: each glyph is changed a little, so that more shapes are trained on than there
    are; what is measured on is not.
    """
    placed = layout(kind, text, rng)
    shape = (round(placed.height_mm * PX_A_MM), round(placed.width_mm * PX_A_MM), 3)
    layers = np.zeros(shape, np.uint8)
    pen = _Pen(glyphs, rng)
    glyph = (lambda character: vary(pen.glyph(character), rng)) if varied else pen.glyph
    heads = _red_heads(kind, text, rng)
    for place, (character, box) in enumerate(zip(text, placed.boxes, strict=True)):
        red = place < heads or (
            character in _RED_TAILS and (kind.color is PlateColor.WHITE or rng.random() < 0.3)
        )
        _stamp(layers[:, :, 1 if red else 0], glyph(character), box, rng)
    if placed.dot_mm:
        _dot(layers, placed.dot_mm, rng)
    _rim(layers, rng)
    light = kind.color in _LIGHT_INK
    ink = rng.uniform(205, 255, 3) if light else rng.uniform(0, 60, 3)
    rim = ink if rng.random() < 0.5 else np.full(3, rng.uniform(30, 240))
    red_ink = np.array([rng.uniform(10, 60), rng.uniform(10, 60), rng.uniform(150, 230)])
    ground = _ground(kind, shape, rng)
    middles = [[box.x_mm + box.width_mm / 2, box.y_mm + box.height_mm / 2] for box in placed.boxes]
    centres = np.array(middles, np.float32) * np.float32(PX_A_MM)
    return FlatPlate(
        text, kind, layers, ground, _floats(ink), _floats(red_ink), _floats(rim), centres
    )


def _red_heads(kind: Kind, text: str, rng: Rng) -> int:
    """How many characters from the first are red: the armed forces' two or one; WJ, and on
    front plates the province after it.
    """
    if kind.name in MILITARY_KINDS:
        return 1 + int(rng.random() < 0.7)
    if kind.name in ARMED_POLICE_KINDS:
        return len(ARMED_POLICE) + int(text[2] in PROVINCES and rng.random() < 0.5)
    return 0


def _floats(colour: NDArray[np.float64]) -> Floats:
    return colour.astype(np.float32)


class _Pen:
    """One plate's style: the same sources of glyphs, the same weight of strokes for all its
    characters.
    """

    def __init__(self, glyphs: Glyphs, rng: Rng) -> None:
        self._glyphs, self._rng = glyphs, rng
        self._from_real = rng.random() < 0.4
        self._font = int(rng.integers(0, 1 << 16))
        self._latin_drawn, self._han_drawn = rng.random() < 0.06, rng.random() < 0.25
        self._blended = rng.random() < 0.3
        self._curve = _threshold(rng.uniform(95, 205), rng.uniform(2.5, 7))
        self._grow = int(rng.choice([-1, 0, 0, 1]))
        self._kernel = np.ones((2, 2), np.uint8)

    def glyph(self, character: str) -> Grey:
        drawn = self._glyphs.drawn.get(character, [])
        mean = self._glyphs.mean.get(character)
        prefers_drawn = self._latin_drawn if character in LATIN else self._han_drawn
        if drawn and (mean is None or prefers_drawn):
            return self._weighted(drawn[self._font % len(drawn)])
        real = self._glyphs.real.get(character, [])
        if real and (mean is None or self._from_real):
            return np.asarray(
                cv2.LUT(real[int(self._rng.integers(0, len(real)))], self._curve), np.uint8
            )
        if mean is None:
            raise KeyError(f"no glyph of {character!r}: give a font that has it")
        if drawn and self._blended and character not in LATIN:
            mean = np.asarray(
                cv2.addWeighted(mean, 0.55, drawn[self._font % len(drawn)], 0.45, 0), np.uint8
            )
        return np.asarray(cv2.LUT(mean, self._curve), np.uint8)

    def _weighted(self, glyph: Grey) -> Grey:
        if self._grow == 0:
            return glyph
        return np.asarray(
            cv2.erode(glyph, self._kernel) if self._grow < 0 else cv2.dilate(glyph, self._kernel),
            np.uint8,
        )


def _threshold(level: float, gain: float) -> Grey:
    return np.asarray(np.clip((np.arange(256) - level) * gain + 128, 0, 255), np.uint8)


def _stamp(layer: Grey, glyph: Grey, box: Box, rng: Rng) -> None:
    """Lay the glyph's square (twice as wide as the box) on the layer where the box is."""
    wide, high = round(box.width_mm * 2 * PX_A_MM), round(box.height_mm * PX_A_MM)
    scaled = (
        glyph
        if (wide, high) == (SIDE_PX, SIDE_PX)
        else cv2.resize(glyph, (wide, high), interpolation=cv2.INTER_LINEAR)
    )
    x = round((box.x_mm - box.width_mm / 2) * PX_A_MM + rng.uniform(-0.8, 0.8))
    y = round(box.y_mm * PX_A_MM + rng.uniform(-0.8, 0.8))
    left, right = max(0, x), min(layer.shape[1], x + wide)
    target = layer[y : y + high, left:right]
    np.maximum(target, scaled[: target.shape[0], left - x : right - x], out=target)


def _dot(layers: Grey, centre_mm: tuple[float, float], rng: Rng) -> None:
    centre = round(centre_mm[0] * PX_A_MM), round(centre_mm[1] * PX_A_MM)
    ink = np.ascontiguousarray(layers[:, :, 0])
    cv2.circle(ink, centre, int(rng.integers(2, 5)), 255, -1, cv2.LINE_AA)
    layers[:, :, 0] = ink


def _rim(layers: Grey, rng: Rng) -> None:
    """The line around the plate, its bolts, and what a frame of the holder hides."""
    high, wide = layers.shape[:2]
    rim = np.zeros((high, wide), np.uint8)
    if rng.random() < 0.75:
        inset = int(rng.integers(1, 4))
        cv2.rectangle(
            rim,
            (inset, inset),
            (wide - 1 - inset, high - 1 - inset),
            int(rng.integers(90, 256)),
            int(rng.integers(1, 3)),
        )
    if rng.random() < 0.25:
        cv2.rectangle(rim, (0, 0), (wide - 1, high - 1), 255, int(rng.integers(3, 10)))
    for x in (0.24, 0.76):
        for y in (0.08, 0.92):
            if rng.random() < 0.35:
                centre = round(wide * (x + rng.uniform(-0.02, 0.02))), round(high * y)
                cv2.circle(rim, centre, int(rng.integers(2, 6)), int(rng.integers(120, 256)), -1)
    layers[:, :, 2] = rim


def _ground(kind: Kind, shape: tuple[int, ...], rng: Rng) -> Floats:
    """(2, 2, 3) colours at the plate's corners; to be enlarged smoothly."""
    base = np.array(GROUNDS[kind.color]) + rng.uniform(-30, 30, 3)
    ground = np.broadcast_to(base, (2, 2, 3)) + rng.uniform(-10, 10, (2, 2, 3))
    if kind.name == "green small":
        ground[0] = np.array([225, 240, 225]) + rng.uniform(-15, 15, 3)
    elif kind.name == "green large":
        ground[:, 0] = np.array(GROUNDS[PlateColor.YELLOW]) + rng.uniform(-20, 20, 3)
    return np.clip(ground, 0, 255).astype(np.float32)
