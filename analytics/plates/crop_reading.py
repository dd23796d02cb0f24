"""Reads one straightened crop with both readers, as one row, or as two rows if that fits a plate
better.
"""

from __future__ import annotations

from analytics.detection.detections import Floats, Picture
from analytics.detection.two_rows import is_two_rows, unroll
from analytics.plates.crop import HEIGHT_PX, WIDTH_PX, Crop, rectify
from analytics.plates.fusion import FrameReading, Fusion
from analytics.plates.reader import PlateReader
from domain.plates import PlateColor

FRAMINGS = ((0.0, 0.0), (0.02, 0.04))
"""Readings alternate between the corners as detected, and corners extended by these parts of the
plate's sides, so that their errors differ.
"""


class CropReading:
    """Reads crops for one fusion."""

    def __init__(self, reader: PlateReader, fusion: Fusion) -> None:
        self._reader, self.fusion = reader, fusion

    def reading(self, crop: Crop) -> FrameReading:
        """Return the reading of a crop.

        A high crop has two rows, or one row that is seen from the side. It is read both ways, and
        the reading with more evidence is returned.
        """
        flat = self.fusion.reading(self._reader.read(crop.picture), crop.quality)
        if not crop.is_high:
            return flat
        unrolled = self.fusion.reading(
            self._reader.read(unroll(crop.picture, WIDTH_PX, HEIGHT_PX)), crop.quality
        )
        return max(flat, unrolled, key=self._log_evidence)

    def _log_evidence(self, reading: FrameReading) -> float:
        return self.fusion.fuse([reading], PlateColor.UNKNOWN).log_evidence


def cut(
    bgr: Picture, corners: Floats, quality: float, grow: tuple[float, float] = (0.0, 0.0)
) -> Crop:
    """Return the plate at `corners`, straightened and extended by the parts `grow` of its sides."""
    is_high = is_two_rows(corners)
    return Crop(rectify(bgr, corners, *grow), quality, is_high)
