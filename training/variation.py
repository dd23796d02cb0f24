"""Makes one glyph many: moved, bent, thinned, thickened and scanned as poorly as real ones are. Not
shipped in the package.

Of a rare character there are few real shapes, and a reader taught by these alone knows them rather
than the character.
"""

from __future__ import annotations

import cv2
import numpy as np

from training.glyphs import SIDE_PX, Floats, Grey
from training.texts import Rng

BEND_PX = 1.6
"""Of a glyph 54 px high whose strokes are 5 px wide: how far, in one deviation, its parts are
moved apart from each other.
"""
_BEND_POINTS = 5
_SCAN_PX = (11, 30)
"""As high as a glyph is scanned; the real ones were at 20 px, and some of them from far smaller
pictures.
"""
_PIXELS = np.meshgrid(np.arange(SIDE_PX, dtype=np.float32), np.arange(SIDE_PX, dtype=np.float32))
_KERNELS = tuple(np.ones(shape, np.uint8) for shape in ((2, 2), (1, 3), (3, 1), (3, 3)))


def vary(glyph: Grey, rng: Rng) -> Grey:
    """(54, 54) `glyph`, changed in some ways and not in others."""
    changed = _bent(glyph, rng)
    if rng.random() < 0.35:
        kernel = _KERNELS[int(rng.integers(0, len(_KERNELS)))]
        changed = np.asarray(
            cv2.dilate(changed, kernel) if rng.random() < 0.5 else cv2.erode(changed, kernel),
            np.uint8,
        )
    if rng.random() < 0.35:
        changed = _scanned(changed, rng)
    return changed


def _bent(glyph: Grey, rng: Rng) -> Grey:
    """Turned, stretched and leaning a little, and its parts a little out of place."""
    strength = BEND_PX * float(rng.random())
    coarse = rng.normal(0, strength, (2, _BEND_POINTS, _BEND_POINTS)).astype(np.float32)
    moves = [cv2.resize(one, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC) for one in coarse]
    matrix = np.eye(2) + rng.normal(0, 0.035, (2, 2))
    middle = (SIDE_PX - 1) / 2
    x, y = _PIXELS[0] - middle, _PIXELS[1] - middle
    at: list[Floats] = [
        (row[0] * x + row[1] * y + middle + move).astype(np.float32)
        for row, move in zip(matrix, moves, strict=True)
    ]
    return np.asarray(cv2.remap(glyph, at[0], at[1], cv2.INTER_LINEAR), np.uint8)


def _scanned(glyph: Grey, rng: Rng) -> Grey:
    """As a small, soft cut-out of it looks, enlarged again and sharpened to black and white."""
    side = int(rng.integers(*_SCAN_PX))
    small = cv2.resize(glyph, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)
    noisy = small + rng.normal(0, 25 * rng.random(), small.shape)
    large = cv2.resize(
        np.asarray(noisy, np.float32), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC
    )
    return np.asarray(
        np.clip((large - rng.uniform(90, 165)) * rng.uniform(1.5, 4) + 128, 0, 255), np.uint8
    )
