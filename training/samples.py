"""Batches of drawn plates with their truth, the same for the same seed. Not shipped in the package."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.plates import ALPHABET
from training.capture import Hardness, capture
from training.glyphs import Glyphs, Grey
from training.plates import draw_plate
from training.texts import KINDS, Kind, draw_kind, draw_text


@dataclass(frozen=True)
class Batch:
    """`crops` (n, 32, 128, 3); `texts` and `kinds` as many."""

    crops: Grey
    texts: list[str]
    kinds: list[Kind]


class Drawer:
    def __init__(self, glyphs: Glyphs, seed: int, stream: int = 0, hardness: Hardness | None = None) -> None:
        """`stream` keeps processes that share a seed apart."""
        self._glyphs, self._seed, self._stream, self._hardness = glyphs, seed, stream, hardness or Hardness()

    def sample(self, index: int, kind: Kind | None = None) -> tuple[Grey, str, Kind]:
        rng = np.random.default_rng([self._seed, self._stream, index])
        drawn = kind or draw_kind(rng)
        text = draw_text(drawn, rng)
        return capture(draw_plate(text, drawn, self._glyphs, rng), rng, self._hardness), text, drawn

    def batch(self, start: int, count: int) -> Batch:
        crops, texts, kinds = zip(*(self.sample(start + i) for i in range(count)), strict=True)
        return Batch(np.stack(crops), list(texts), list(kinds))


def symbols(text: str) -> list[int]:
    return [ALPHABET.index(character) + 1 for character in text]


def kind_named(name: str) -> Kind:
    return next(kind for kind in KINDS if kind.name == name)
