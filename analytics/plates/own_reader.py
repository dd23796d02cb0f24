"""Reads a plate's crop with our own reader `plate_reader.onnx`, which `training/` made, and which
knows all provinces equally well.

The crop is cut at the plate's corners, without a margin.
"""

from __future__ import annotations

import cv2
import numpy as np

from analytics.detection.detections import Picture
from analytics.inference.onnx_runtime import Model
from analytics.plates.grammar_search import Lattice
from domain import plates

WIDTH_PX, HEIGHT_PX = 128, 32
ALPHABET = plates.ALPHABET
"""Symbols 1, 2, … of the lattice; `training/export.py` writes the same into the file's metadata."""


class OwnReader:
    """Runs the model of our own reader."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def read(self, crop: Picture) -> Lattice:
        """Return (32 steps, 74 symbols) probabilities of one crop of any size.

        A crop of two rows must be unrolled before.
        """
        interpolation = cv2.INTER_AREA if crop.shape[1] > WIDTH_PX else cv2.INTER_CUBIC
        framed = cv2.resize(crop, (WIDTH_PX, HEIGHT_PX), interpolation=interpolation)
        return np.asarray(self._model.run(framed[None].astype(np.float32))[0][0], np.float64)
