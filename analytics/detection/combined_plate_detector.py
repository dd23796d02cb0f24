"""Finds plates of one row by the model, and yellow plates of two rows by colour and shape."""

from __future__ import annotations

import numpy as np

from analytics.detection import two_row_detector as two_row_finder
from analytics.detection.detections import Detections, Detector, Picture
from analytics.detection.geometry import nms


class CombinedPlateDetector:
    """A detector of all plates that a vehicle may have."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    @property
    def input_area_px(self) -> int:
        return self._detector.input_area_px

    def at(self, input_area_px: int) -> CombinedPlateDetector:
        return CombinedPlateDetector(self._detector.at(input_area_px))

    def detect(self, bgr: Picture) -> Detections:
        """Return the plates in one picture, those of the model first.

        `points` are (n, 4, 2) corners, clockwise from the top left.
        """
        found, guessed = self._detector.detect(bgr), two_row_finder.find(bgr)
        return joined(found, guessed) if len(guessed) else found


def joined(found: Detections, guessed: Detections) -> Detections:
    """Return the detections of the model, and the guesses that do not overlap any of them."""
    both = Detections(
        *(
            np.concatenate([getattr(one, name) for one in (found, guessed)])
            for name in ("xyxy", "score", "points")
        )
    )
    ranked = np.concatenate([found.score + np.float32(1), guessed.score])
    return both.keep(nms(both.xyxy, ranked, iou_most=0.4, inside_most=0.3))
