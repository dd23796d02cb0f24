"""Makes the files of `assets/` from their sources, once: `python -m simulator.make_assets
NotoSansCJK-Bold.ttc astronaut.png`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from cv2.typing import MatLike
from fontTools import subset
from fontTools.ttLib import TTCollection

from domain.plates import ALPHABET

ASSETS = Path(__file__).parent / "assets"
SIMPLIFIED_CHINESE = 2  # the face in Debian's NotoSansCJK-Bold.ttc
JPEG_QUALITY = 88


def make_font(collection: Path, out: Path) -> None:
    """The characters of plates, as an OpenType font without hints and features."""
    font = TTCollection(str(collection)).fonts[SIMPLIFIED_CHINESE]
    options = subset.Options(
        layout_features=[],
        hinting=False,
        desubroutinize=True,
        name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14],
    )
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=ALPHABET + "I")
    subsetter.subset(font)
    font.save(str(out))


def cut_out(portrait: MatLike) -> MatLike:
    """Which pixels of the portrait are the person: 255 or 0, (512, 512). GrabCut, helped by
    hand-set shapes.
    """
    mask: MatLike = np.full(portrait.shape[:2], cv2.GC_PR_BGD, np.uint8)
    cv2.ellipse(mask, (225, 110), (75, 105), 0, 0, 360, cv2.GC_PR_FGD, -1)
    _fill(
        mask, [[0, 511], [40, 260], [150, 190], [300, 190], [430, 260], [470, 511]], cv2.GC_PR_FGD
    )
    for centre, axes, angle in (((225, 110), (42, 65), 0), ((209, 218), (99, 66), 17)):
        cv2.ellipse(mask, centre, axes, angle, 0, 360, cv2.GC_FGD, -1)
    _fill(mask, [[60, 511], [90, 290], [170, 220], [290, 220], [360, 290], [400, 511]], cv2.GC_FGD)
    for shape in (
        [[0, 0], [511, 0], [511, 8], [0, 8]],
        [[0, 0], [110, 0], [110, 200], [0, 260]],
        [[0, 250], [26, 290], [20, 511], [0, 511]],
        [
            [320, 0],
            [511, 0],
            [511, 400],
            [470, 345],
            [400, 338],
            [366, 340],
            [366, 200],
            [320, 160],
        ],
    ):
        _fill(mask, shape, cv2.GC_BGD)
    cv2.setRNGSeed(1)
    cv2.grabCut(
        portrait, mask, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 8, cv2.GC_INIT_WITH_MASK
    )
    return np.where((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD), 255, 0).astype(np.uint8)


def _fill(mask: MatLike, corners: list[list[int]], value: int) -> None:
    cv2.fillPoly(mask, [np.array(corners, np.int32)], value)


def make_portrait(source: Path, folder: Path) -> None:
    """`portrait.jpg`, its background greyed (so that it is small), and `portrait-mask.png`."""
    portrait = cv2.imread(str(source))
    assert portrait is not None, source
    mask = cut_out(portrait)
    near = cv2.dilate(mask, np.ones((9, 9), np.uint8))
    portrait[near == 0] = 128
    cv2.imwrite(str(folder / "portrait.jpg"), portrait, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    cv2.imwrite(str(folder / "portrait-mask.png"), mask, [cv2.IMWRITE_PNG_BILEVEL, 1])


if __name__ == "__main__":
    make_font(Path(sys.argv[1]), ASSETS / "plate-font.otf")
    make_portrait(Path(sys.argv[2]), ASSETS)
