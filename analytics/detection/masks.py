"""Privacy masks of a camera: polygons that are black before any analysis, and therefore in every
snapshot.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.detection.detections import Picture
from domain.registry.model import Polygon


class Masks:
    """The masks of one analyser, as polygons in parts of the picture. It is not thread-safe."""

    def __init__(self, polygons: tuple[Polygon, ...]) -> None:
        self._polygons = polygons
        self._shown: NDArray[np.uint8] = np.empty((0, 0), np.uint8)

    def apply(self, picture: Picture) -> Picture:
        """Return the picture, in colour or grey, with the masked parts black.

        Without masks it is the picture itself, and else a copy: a frame is never changed.
        """
        if not self._polygons:
            return picture
        return np.asarray(
            cv2.copyTo(picture, self._shown_of(picture.shape[0], picture.shape[1])), np.uint8
        )

    def _shown_of(self, height_px: int, width_px: int) -> NDArray[np.uint8]:
        if self._shown.shape != (height_px, width_px):
            self._shown = np.full((height_px, width_px), 255, np.uint8)
            size = np.array([width_px, height_px], np.float64)
            for polygon in self._polygons:
                cv2.fillPoly(self._shown, [np.rint(np.array(polygon) * size).astype(np.int32)], 0)
        return self._shown
