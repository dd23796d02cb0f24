"""Measures weights on drawn plates of characters that training never saw, by kind, province, height
and blur. Not shipped in the package.

`python -m training.hard_set WEIGHTS --models DIR --characters plate-characters.zip --font …
--latin-font …`. Prints JSON: exact rates of the reader alone, held to the grammar, and fused with
the public one, as Sightline reads.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from analytics.detection.detections import Picture
from domain.plates import PROVINCES
from training.arguments import parser_of, unseen_glyphs
from training.capture import Hardness
from training.evaluate import Readers
from training.glyphs import Glyphs, with_first_from
from training.samples import Drawer
from training.texts import KINDS, Kind

SEED = 4
HEIGHTS_PX = ((10, 14), (14, 20), (20, 30), (30, 48))
DEFOCUS_PX = ((0.0, 1.0), (1.0, 2.0), (2.0, 3.0), (3.0, 4.0))
"""Sigma, of a plate 48 px high whose strokes are 5 px wide; plates here are 20 px high or more,
so that size hides none of it.
"""


WAYS = ("own", "fused")
"""Of those that `Readers` knows."""
Result = tuple[str, tuple[bool, ...]]
"""A text that was drawn, and whether each of `WAYS` read it exactly."""


class Meter:
    def __init__(self, readers: Readers, glyphs: Glyphs, seed: int = SEED) -> None:
        self._readers, self._glyphs, self._seed = readers, glyphs, seed

    def read(
        self, hardness: Hardness, stream: int, indices: Iterable[int], kind: Kind | None
    ) -> list[Result]:
        drawer = Drawer(self._glyphs, self._seed, stream, hardness)
        return [self._result(*drawer.sample(index, kind)[:2]) for index in indices]

    def _result(self, crop: Picture, text: str) -> Result:
        read = self._readers.read(crop)
        return text, tuple(read[way] == text for way in WAYS)


def report(
    meter: Meter, count: int, level: float, unseen: Meter | None = None
) -> dict[str, dict[str, dict[str, float]]]:
    """`count` plates of each kind, `4 * count` of each height and blur. `unseen` draws
    provinces otherwise: `4 * count` plates.
    """
    hard = Hardness(level=level)
    by_kind = {
        kind.name: meter.read(hard, index, range(count), kind) for index, kind in enumerate(KINDS)
    }
    together = [result for results in by_kind.values() for result in results]
    by_height = {
        f"{least} to {most} px": meter.read(
            Hardness(level, least, most), 100 + least, range(4 * count), None
        )
        for least, most in HEIGHTS_PX
    }
    by_blur = {
        f"{least:g} to {most:g} px": meter.read(
            Hardness(level, 20, defocus_px=(least, most)), 200 + at, range(4 * count), None
        )
        for at, (least, most) in enumerate(DEFOCUS_PX)
    }
    groups = {
        "kind": by_kind,
        "province": _by_province(together),
        "height": by_height,
        "blur": by_blur,
        "all": {"all": together},
    }
    if unseen is not None:
        otherwise = unseen.read(hard, 300, range(4 * count), KINDS[0])
        groups["province of unseen fonts"] = {**_by_province(otherwise), "all": otherwise}
    return {
        group: {name: _rate(results) for name, results in parts.items()}
        for group, parts in groups.items()
    }


def _by_province(results: list[Result]) -> dict[str, list[Result]]:
    return {
        province: [result for result in results if result[0][0] == province]
        for province in PROVINCES
    }


def _rate(results: list[Result]) -> dict[str, float]:
    rights = np.array([right for _, right in results], np.float64).reshape(-1, len(WAYS))
    return (
        {way: round(float(rate), 4) for way, rate in zip(WAYS, rights.mean(axis=0), strict=True)}
        if results
        else {}
    )


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument(
        "--models", type=Path, required=True, help="the folder of the public models"
    )
    parser.add_argument(
        "--unseen-font",
        type=Path,
        action="append",
        default=[],
        help="that training never saw, to draw provinces with",
    )
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=SEED, help="another one draws other plates")
    parser.add_argument(
        "--level", type=float, default=0.7, help="how bad pictures get: 1 is the training's worst"
    )
    given = parser.parse_args()
    readers, glyphs = Readers(given.weights, given.models), unseen_glyphs(given)
    unseen = (
        Meter(readers, with_first_from(glyphs, given.unseen_font), given.seed)
        if given.unseen_font
        else None
    )
    measured = report(Meter(readers, glyphs, given.seed), given.count, given.level, unseen)
    sys.stdout.write(json.dumps(measured, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
