"""Reads one straightened crop with both readers, the right way up for fusion: as one row, or as
two where that looks more like a plate.
"""

from __future__ import annotations

from analytics.detection.detections import Floats, Picture
from analytics.detection.two_rows import is_two_rows, unroll
from analytics.plates.crop import HEIGHT_PX, WIDTH_PX, Crop, rectify
from analytics.plates.fusion import FrameReading, Fusion
from analytics.plates.reader import PlateReader
from domain.plates import PlateColor

FRAMINGS = ((0.0, 0.0), (0.02, 0.04))
"""Readings take turns: corners as found, and grown by these parts of the plate's sides, for the
corners' own faults to differ.
"""


class CropReading:
    def __init__(self, reader: PlateReader, fusion: Fusion) -> None:
        self._reader, self.fusion = reader, fusion

    def reading(self, crop: Crop) -> FrameReading:
        """A high crop is two rows, or one seen from the side: whichever it looks more like when
        read.
        """
        flat = self.fusion.reading(self._reader.read(crop.picture), crop.quality)
        if not crop.is_high:
            return flat
        unrolled = self.fusion.reading(
            self._reader.read(unroll(crop.picture, WIDTH_PX, HEIGHT_PX)), crop.quality
        )
        return max(
            flat, unrolled, key=lambda one: self.fusion.fuse([one], PlateColor.UNKNOWN).log_evidence
        )


def cut(
    bgr: Picture, corners: Floats, quality: float, grow: tuple[float, float] = (0.0, 0.0)
) -> Crop:
    """The plate at `corners` straightened, and grown by the parts `grow` of its sides."""
    is_high = is_two_rows(corners)
    return Crop(rectify(bgr, corners, *grow), quality, is_high)
