"""Batches of drawn plates with their truth, the same for the same seed. Not shipped in the
package.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from domain.plates import ALPHABET
from training.capture import Hardness, capture
from training.glyphs import Floats, Glyphs, Grey
from training.plates import draw_plate
from training.texts import KINDS, Kind, draw_kind, draw_text


@dataclass(frozen=True)
class Batch:
    """`crops` (n, 32, 128, 3); as many texts, kinds, and for each its characters' places as
    parts of the crop's width.
    """

    crops: Grey
    texts: list[str]
    kinds: list[Kind]
    places: list[Floats]


class Drawer:
    def __init__(
        self,
        glyphs: Glyphs,
        seed: int,
        stream: int = 0,
        hardness: Hardness | None = None,
        varied: bool = False,
    ) -> None:
        """`stream` keeps processes that share a seed apart; `varied` changes each glyph, as
        `draw_plate` says.
        """
        self._glyphs, self._seed, self._stream, self._hardness, self._varied = (
            glyphs,
            seed,
            stream,
            hardness or Hardness(),
            varied,
        )

    def sample(self, index: int, kind: Kind | None = None) -> tuple[Grey, str, Kind, Floats]:
        rng = np.random.default_rng([self._seed, self._stream, index])
        drawn = kind or draw_kind(rng)
        text = draw_text(drawn, rng)
        shot = capture(
            draw_plate(text, drawn, self._glyphs, rng, self._varied), rng, self._hardness
        )
        return shot.crop, text, drawn, shot.places

    def batch(self, start: int, count: int) -> Batch:
        crops, texts, kinds, places = zip(
            *(self.sample(start + i) for i in range(count)), strict=True
        )
        return Batch(np.stack(crops), list(texts), list(kinds), list(places))


def again(batch: Batch, rng: np.random.Generator) -> Batch:
    """The batch once more, each crop moved and scaled a little and lit otherwise: a second use
    that costs a tenth of a drawing.
    """
    crops, places = np.empty_like(batch.crops), []
    for index, crop in enumerate(batch.crops):
        crops[index], matrix = _moved(crop, rng)
        places.append(
            (batch.places[index] * matrix[0, 0] + matrix[0, 2] / crop.shape[1]).astype(np.float32)
        )
    return Batch(crops, batch.texts, batch.kinds, places)


def moved(crop: Grey, rng: np.random.Generator) -> Grey:
    """The crop moved and scaled a little and lit otherwise, as the next frame has it."""
    return _moved(crop, rng)[0]


def _moved(crop: Grey, rng: np.random.Generator) -> tuple[Grey, NDArray[np.float64]]:
    """And the (2, 3) matrix of the move."""
    high, wide = crop.shape[:2]
    scale, shift = rng.uniform(0.93, 1.07, 2), rng.uniform(-1, 1, 2) * np.array([4, 2])
    move = (1 - scale) * np.array([wide, high]) / 2 + shift
    matrix = np.array([[scale[0], 0, move[0]], [0, scale[1], move[1]]])
    placed = cv2.warpAffine(
        crop, matrix, (wide, high), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    lit = cv2.convertScaleAbs(
        placed, alpha=float(rng.uniform(0.7, 1.2)), beta=float(rng.uniform(0, 20))
    )
    return np.asarray(lit, np.uint8), matrix


def step_targets(batch: Batch, steps: int) -> NDArray[np.int64]:
    """Return the target symbols as (n, steps).

    A target is the symbol at each character's middle, -100 (either is right) next to a middle, and
    0 (blank) elsewhere.
    """
    targets = np.zeros((len(batch.texts), steps), np.int64)
    for row, (text, places) in zip(
        targets, zip(batch.texts, batch.places, strict=True), strict=True
    ):
        at = np.clip((places * steps).astype(int), 0, steps - 1)
        row[np.maximum(at - 1, 0)] = row[np.minimum(at + 1, steps - 1)] = -100
        row[at] = symbols(text)
    return targets


def symbols(text: str) -> list[int]:
    return [ALPHABET.index(character) + 1 for character in text]


def kind_named(name: str) -> Kind:
    return next(kind for kind in KINDS if kind.name == name)
