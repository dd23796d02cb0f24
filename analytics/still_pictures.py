"""Plates on still pictures, read as a passing of one frame: a crop that is all plate, and a
photograph with plates somewhere in it.
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
"""Four times what frames of a video get: a photograph is looked at once, and corners found at
full size are truer.
"""
PLATES_MOST = 16
"""Of one photograph, the surest finds first: a car park has as many, and the rest of a longer
list is false.
"""


@dataclass(frozen=True, slots=True)
class Still:
    """One plate on a picture. `score` is the detector's; 1 for a crop, which nobody had to find."""

    fused: Fused
    color: PlateColor
    score: float


class StillPictures:
    def __init__(self, models: Models, calibration: Calibration = CALIBRATION) -> None:
        self._detector = CombinedPlateDetector(models.plates).at(INPUT_AREA_PX)
        self._crops = CropReading(
            models.reader, Fusion(GrammarSearch(models.reader.alphabet), calibration)
        )

    def crop(self, picture: Picture) -> Still:
        """The plate that fills `picture`, of any size."""
        high, wide = picture.shape[:2]
        return self._read([Crop(picture, 1.0, high > HIGH_PART * wide)], 1.0)

    def photograph(self, picture: Picture) -> list[Still]:
        """All plates found in `picture`, the surest find first."""
        found = self._detector.detect(picture)
        pairs = zip(found.points[:PLATES_MOST], found.score[:PLATES_MOST], strict=True)
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
