"""Video without faces, in which every face that is found is a false alarm.

Photographs of streets are moved and enlarged for some seconds, like the picture of a camera that
sways on a mast while a vehicle approaches. They are shown by day, mirrored, and dark with noise.
Every pixel is of a photograph.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from domain.clock import NS_PER_S
from domain.media.packets import ColorPixels, Frame, WallSource
from sightline.evaluation.film import EPOCH_NS
from sightline.evaluation.labelled import open_picture

SIZE_PX = (1280, 720)
CLIP_S, APART_S = 6.0, 1.5
"""Of each photograph, and black after it, for its tracks to end."""
_NOISES = 8
Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Take:
    """One way to show the same photographs: `zoom` is at its end, in times of the beginning."""

    is_mirrored: bool = False
    light: float = 1.0
    noise_levels: float = 2.0
    zoom: float = 1.3


TAKES = (
    Take(),
    Take(is_mirrored=True, zoom=1.6),
    Take(light=0.35, noise_levels=6.0, zoom=1.2),
    Take(is_mirrored=True, light=0.6, zoom=0.7),
)


def frames(files: Sequence[Path], takes: Sequence[Take], fps: float) -> Iterator[Frame]:
    """About `(CLIP_S + APART_S) * len(files) * len(takes)` seconds at `fps` a second."""
    number, black = 0, np.zeros((SIZE_PX[1], SIZE_PX[0], 3), np.uint8)
    for at, take in enumerate(takes):
        rng = np.random.default_rng([7, at])
        noises = [
            np.rint(rng.normal(0, take.noise_levels, black.shape)).astype(np.int16)
            for _ in range(_NOISES)
        ]
        for file in files:
            photo = open_picture(file)
            pan = rng.uniform(-0.08, 0.08, 2)
            shown = [
                _shown(photo, take, pan, n / (CLIP_S * fps)) for n in range(round(CLIP_S * fps))
            ]
            for picture in [*shown, *[black] * round(APART_S * fps)]:
                noisy = cv2.add(picture, noises[number % _NOISES], dtype=cv2.CV_8U)
                wall_ns = EPOCH_NS + round(number / fps * NS_PER_S)
                yield Frame(
                    "film",
                    ColorPixels(np.asarray(noisy, np.uint8)),
                    number,
                    0,
                    wall_ns,
                    WallSource.RECEIVER,
                )
                number += 1


def _shown(photo: Picture, take: Take, pan: NDArray[np.float64], part: float) -> Picture:
    """The photograph `part` of the way through its clip: it covers the picture, but where it is
    panned and zoomed out of it.
    """
    high, wide = photo.shape[:2]
    size = np.array(SIZE_PX)
    scale = max(size / (wide, high)) * (1 + (take.zoom - 1) * part)
    middle = size / 2 + pan * size * (2 * part - 1)
    mirror = -1.0 if take.is_mirrored else 1.0
    matrix = np.array(
        [
            [mirror * scale, 0, middle[0] - mirror * scale * wide / 2],
            [0, scale, middle[1] - scale * high / 2],
        ]
    )
    moved = cv2.warpAffine(
        photo, matrix, SIZE_PX, flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    return np.asarray(cv2.convertScaleAbs(moved, alpha=take.light), np.uint8)
