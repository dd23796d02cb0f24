"""Measures weights on drawn plates of characters that training never saw, by kind, province, height and blur. Not shipped in the package.

`python -m training.hard_set WEIGHTS --models DIR --characters plate-characters.zip --font … --latin-font …`. Prints JSON: exact rates
of the reader alone, held to the grammar, and fused with the public one, as Sightline reads.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from analytics.detections import Picture
from domain.plates import PROVINCES
from training.capture import Hardness
from training.evaluate import Readers
from training.glyphs import SPLIT_SEED, Glyphs, load_characters, make_glyphs, split
from training.samples import Drawer
from training.texts import KINDS, Kind

SEED = 4
HEIGHTS_PX = ((10, 14), (14, 20), (20, 30), (30, 48))
DEFOCUS_PX = ((0.0, 1.0), (1.0, 2.0), (2.0, 3.0), (3.0, 4.0))
"""Sigma, of a plate 48 px high whose strokes are 5 px wide; plates here are 20 px high or more, so that size hides none of it."""


WAYS = ("own", "fused")
"""Of those that `Readers` knows."""
Result = tuple[str, tuple[bool, ...]]
"""A text that was drawn, and whether each of `WAYS` read it exactly."""


class Meter:
    def __init__(self, readers: Readers, glyphs: Glyphs) -> None:
        self._readers, self._glyphs = readers, glyphs

    def read(self, hardness: Hardness, stream: int, indices: Iterable[int], kind: Kind | None) -> list[Result]:
        drawer = Drawer(self._glyphs, SEED, stream, hardness)
        return [self._result(*drawer.sample(index, kind)[:2]) for index in indices]

    def _result(self, crop: Picture, text: str) -> Result:
        read = self._readers.read(crop)
        return text, tuple(read[way] == text for way in WAYS)


def report(meter: Meter, count: int, level: float) -> dict[str, dict[str, dict[str, float]]]:
    """`count` plates of each kind, `4 * count` of each height and blur."""
    hard = Hardness(level=level)
    by_kind = {kind.name: meter.read(hard, index, range(count), kind) for index, kind in enumerate(KINDS)}
    together = [result for results in by_kind.values() for result in results]
    by_province = {province: [result for result in together if result[0][0] == province] for province in PROVINCES}
    by_height = {
        f"{least} to {most} px": meter.read(Hardness(level, least, most), 100 + least, range(4 * count), None) for least, most in HEIGHTS_PX
    }
    by_blur = {
        f"{least:g} to {most:g} px": meter.read(Hardness(level, 20, defocus_px=(least, most)), 200 + at, range(4 * count), None)
        for at, (least, most) in enumerate(DEFOCUS_PX)
    }
    groups = {"kind": by_kind, "province": by_province, "height": by_height, "blur": by_blur, "all": {"all": together}}
    return {group: {name: _rate(results) for name, results in parts.items()} for group, parts in groups.items()}


def _rate(results: list[Result]) -> dict[str, float]:
    rights = np.array([right for _, right in results], np.float64).reshape(-1, len(WAYS))
    return {way: round(float(rate), 4) for way, rate in zip(WAYS, rights.mean(axis=0), strict=True)} if results else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--models", type=Path, required=True, help="the folder of the public models")
    parser.add_argument("--characters", type=Path, required=True)
    parser.add_argument("--font", type=Path, action="append", required=True)
    parser.add_argument("--latin-font", type=Path, action="append", required=True)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--level", type=float, default=0.7, help="how bad pictures get: 1 is the training's worst")
    given = parser.parse_args()
    glyphs = make_glyphs(split(load_characters(given.characters), SPLIT_SEED)[1], given.font, given.latin_font)
    measured = report(Meter(Readers(given.weights, given.models), glyphs), given.count, given.level)
    sys.stdout.write(json.dumps(measured, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
