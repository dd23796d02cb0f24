"""Reads plates on still pictures as passings of one frame. A picture is a crop of one plate, or a
photograph with any number of plates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analytics.detection.combined_plate_detector import CombinedPlateDetector
from analytics.detection.detections import Picture
from analytics.detection.two_rows import HIGH_PART
from analytics.models import Models
from analytics.plates.color import plate_color, votes
from analytics.plates.crop import Crop
from analytics.plates.crop_reading import FRAMINGS, CropReading, cut
from analytics.plates.fusion import CALIBRATION, Calibration, Fused, Fusion
from analytics.plates.grammar_search import GrammarSearch
from domain.plates import PlateColor

INPUT_AREA_PX = 1920 * 1088
"""Four times the input of a video's frames. A photograph is analysed only once, and corners are
more exact at full size.
"""
MAX_PLATES = 16
"""The limit for one photograph, the best scores first. A car park has as many plates; the rest of a
longer list is false.
"""


@dataclass(frozen=True, slots=True)
class Still:
    """One plate on a picture. `score` is that of the detector, or 1 for a crop."""

    fused: Fused
    color: PlateColor
    score: float


class StillPictures:
    """Reads crops and photographs with the models of a checkpoint."""

    def __init__(self, models: Models, calibration: Calibration = CALIBRATION) -> None:
        self._detector = CombinedPlateDetector(models.plates).at(INPUT_AREA_PX)
        self._crops = CropReading(
            models.reader, Fusion(GrammarSearch(models.reader.alphabet), calibration)
        )

    def crop(self, picture: Picture) -> Still:
        """Return the plate that fills `picture`, which may have any size."""
        high, wide = picture.shape[:2]
        return self._read([Crop(picture, 1.0, high > HIGH_PART * wide)], 1.0)

    def photograph(self, picture: Picture) -> list[Still]:
        """Return all plates in `picture`, the best score first."""
        detections = self._detector.detect(picture)
        pairs = zip(detections.points[:MAX_PLATES], detections.score[:MAX_PLATES], strict=True)
        return [
            self._read([cut(picture, corners, 1.0, grow) for grow in FRAMINGS], float(score))
            for corners, score in pairs
        ]

    def _read(self, crops: Sequence[Crop], score: float) -> Still:
        color = plate_color(votes(crops[0].picture))
        return Still(
            self._crops.fusion.fuse([self._crops.reading(crop) for crop in crops], color),
            color,
            score,
        )
