"""Reads a plate's crop: our own reader `plate_reader.onnx` (made by `training/`), which knows every province evenly.

It wants the crop as cut at the plate's corners, without a margin.
"""

from __future__ import annotations

import cv2
import numpy as np

from analytics.detections import Picture
from analytics.grammar_search import Lattice
from analytics.onnx_door import Model
from analytics.two_rows import unroll
from domain import plates

WIDTH_PX, HEIGHT_PX = 128, 32
ALPHABET = plates.ALPHABET
"""Symbols 1, 2, … of the lattice; `training/export.py` writes the same into the file's metadata."""


class OwnReader:
    def __init__(self, model: Model) -> None:
        self._model = model

    def read(self, crop: Picture, two_rows: bool) -> Lattice:
        """(32 steps, 74 symbols) probabilities of one crop of any size, blue, green, red."""
        if two_rows:
            framed = unroll(crop, WIDTH_PX, HEIGHT_PX)
        else:
            shrinks = crop.shape[1] > WIDTH_PX
            framed = np.asarray(
                cv2.resize(crop, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC), np.uint8
            )
        return np.asarray(self._model.run(framed[None].astype(np.float32))[0][0], np.float64)
