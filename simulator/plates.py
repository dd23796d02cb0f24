"""Draws Chinese plates in the colours and layouts of GA 36-2018; all measures in millimetres,
drawn at PX_PER_MM.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from cv2.typing import MatLike

from domain.plates import PlateColor

PX_PER_MM = 2
ASSETS = Path(__file__).parent / "assets"
_CHARACTER_MM = (45, 90)
_TOP_MM = 25
_GLYPH_PX = 200
_RED = (30, 30, 200)


@dataclass(frozen=True, slots=True)
class PlateStyle:
    """Colours as BGR, at the top and bottom of the plate and of its characters."""

    top: tuple[int, int, int]
    bottom: tuple[int, int, int]
    ink: tuple[int, int, int]
    width_mm: int = 440


STYLES = {
    PlateColor.BLUE: PlateStyle((168, 72, 14), (150, 58, 8), (245, 245, 245)),
    PlateColor.YELLOW: PlateStyle((20, 180, 245), (10, 165, 235), (20, 20, 20)),
    PlateColor.GREEN: PlateStyle((232, 240, 226), (92, 190, 40), (20, 20, 20), 480),
    PlateColor.WHITE: PlateStyle((238, 238, 238), (225, 225, 225), (25, 25, 25)),
    PlateColor.BLACK: PlateStyle((34, 30, 28), (24, 22, 20), (240, 240, 240)),
}


def draw_plate(text: str, color: PlateColor) -> MatLike:
    """The plate as BGR, (280, 880 or 960, 3): screws, dot, frame, and a red 警 where there is
    one.
    """
    style = STYLES[color]
    width, height = style.width_mm * PX_PER_MM, 140 * PX_PER_MM
    blend = np.linspace(0, 1, height, dtype=np.float32)[:, None, None] ** 1.3
    plate = (
        np.array(style.top, np.float32) * (1 - blend) + np.array(style.bottom, np.float32) * blend
    )
    canvas = np.repeat(plate, width, axis=1).astype(np.uint8)
    cv2.rectangle(canvas, (8, 8), (width - 9, height - 9), style.ink, 4, cv2.LINE_AA)
    for character, (left_mm, width_mm) in zip(text, _places(text, color), strict=True):
        ink = _RED if character == "警" else style.ink
        _stamp(canvas, glyph(character), ink, (left_mm, _TOP_MM, width_mm, _CHARACTER_MM[1]))
    if color is not PlateColor.GREEN:
        cv2.circle(
            canvas,
            (round(134.5 * PX_PER_MM), 70 * PX_PER_MM),
            5 * PX_PER_MM,
            style.ink,
            -1,
            cv2.LINE_AA,
        )
    for x in (width // 4, width * 3 // 4):
        for y in (22, height - 23):
            cv2.circle(canvas, (x, y), 9, (150, 150, 150), -1, cv2.LINE_AA)
    return canvas


def _places(text: str, color: PlateColor) -> list[tuple[float, float]]:
    """Left edge and width of each character (GA 36-2018, figures 2 and 8)."""
    widths = [45.0] * 7 if color is not PlateColor.GREEN else [45.0, *[43.0] * 7]
    gap, after_office = (12.0, 34.0) if color is not PlateColor.GREEN else (9.0, 49.0)
    places: list[tuple[float, float]] = []
    left = 15.5
    for index in range(len(text)):
        places.append((left, widths[index]))
        left += widths[index] + (after_office if index == 1 else gap)
    return places


@cache
def glyph(character: str) -> MatLike:
    """A character's coverage, 0 to 255, trimmed to its ink."""
    face = cv2.FontFace()
    assert face.set(str(ASSETS / "plate-font.otf"))
    canvas = np.zeros((_GLYPH_PX * 2, _GLYPH_PX * 2, 3), np.uint8)
    cv2.putText(
        canvas, character, (_GLYPH_PX // 4, _GLYPH_PX * 3 // 2), (255, 255, 255), face, _GLYPH_PX
    )
    left, top, width, height = cv2.boundingRect(canvas[:, :, 0])
    return canvas[top : top + height, left : left + width, 0]


def _stamp(
    canvas: MatLike,
    coverage: MatLike,
    ink: tuple[int, int, int],
    box_mm: tuple[float, float, float, float],
) -> None:
    """Lay a glyph into its box: stretched as plate characters are, except 1 and the like, which
    keep their narrow form.
    """
    left, top, width, height = (round(value * PX_PER_MM) for value in box_mm)
    natural = coverage.shape[1] / coverage.shape[0] * height
    drawn = min(width, max(round(natural), 12)) if natural < width * 0.72 else width
    left += (width - drawn) // 2
    alpha = (
        cv2.resize(coverage, (drawn, height), interpolation=cv2.INTER_AREA)[:, :, None].astype(
            np.float32
        )
        / 255
    )
    region = canvas[top : top + height, left : left + drawn]
    region[:] = (region * (1 - alpha) + np.array(ink, np.float32) * alpha).astype(np.uint8)
