"""What a detector found in one frame, as arrays that are checked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]
"""(height, width, 3) blue, green, red."""


@dataclass(frozen=True, slots=True)
class Detections:
    """`xyxy` (n, 4) and `points` (n, k, 2) in pixels of the frame, `score` (n,) from 0 to 1; raises
    ValueError on other shapes.

    A plate's points are its corners: top left, top right, bottom right, bottom left. A face's are
    eyes, nose and corners of the mouth.
    """

    xyxy: Floats
    score: Floats
    points: Floats

    def __post_init__(self) -> None:
        count = len(self.score)
        if self.score.shape != (count,) or self.xyxy.shape != (count, 4):
            raise ValueError(
                f"boxes {self.xyxy.shape} and scores {self.score.shape} do not belong together"
            )
        if self.points.ndim != 3 or self.points.shape[0] != count or self.points.shape[2] != 2:
            raise ValueError(f"points {self.points.shape} are not (n, k, 2) of {count} detections")

    def __len__(self) -> int:
        return len(self.score)

    def keep(self, which: NDArray[np.intp] | NDArray[np.bool_]) -> Detections:
        return Detections(self.xyxy[which], self.score[which], self.points[which])

    @classmethod
    def none(cls, points: int) -> Detections:
        return cls(
            np.empty((0, 4), np.float32),
            np.empty(0, np.float32),
            np.empty((0, points, 2), np.float32),
        )


class Detector(Protocol):
    """Finds plates or faces in a BGR picture, at a chosen input size."""

    @property
    def input_area_px(self) -> int:
        """How large a picture the model sees, at most."""

    def at(self, input_area_px: int, /) -> Detector: ...

    def detect(self, bgr: Picture, /) -> Detections: ...
