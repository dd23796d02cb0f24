"""Measures how far the public reader's word on the province is a guess, on drawn plates of characters that training never saw.

`python -m training.public_word --characters plate-characters.zip --font … --latin-font …` prints JSON: how often that word is right, at
each level of difficulty, and the share of guess that makes the true province likeliest by it (least log-loss, each province weighing
alike). Not shipped in the package.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analytics.grammar_search import GrammarSearch
from analytics.models import Models
from analytics.plate_reader import PlateReader
from domain.plates import PROVINCES
from domain.settings import Settings
from training.capture import Hardness
from training.glyphs import SPLIT_SEED, Glyphs, load_characters, make_glyphs, split
from training.samples import Drawer

SEED = 60
LEVELS = (0.3, 0.4, 0.5, 0.6, 0.7)
SHARES = np.arange(0.01, 1.0, 0.01)


@dataclass(frozen=True)
class Words:
    """(n, provinces) how likely the reader calls each province, all else of the text being known; and the (n,) true ones."""

    chances: NDArray[np.float64]
    truths: NDArray[np.intp]

    @property
    def right(self) -> float:
        return float((self.chances.argmax(axis=1) == self.truths).mean())

    def log_loss(self, share: float) -> float:
        """Of the true province, were `share` of the word a guess among all."""
        told = self.chances[np.arange(len(self.truths)), self.truths]
        often = np.bincount(self.truths, minlength=len(PROVINCES))[self.truths]
        return float(np.average(-np.log((1 - share) * told + share / len(PROVINCES)), weights=1 / often))


def together(words: list[Words]) -> Words:
    return Words(np.concatenate([one.chances for one in words]), np.concatenate([one.truths for one in words]))


def share_of_guess(words: Words) -> float:
    return float(min(SHARES, key=words.log_loss))


def words(reader: PlateReader, glyphs: Glyphs, stream: int, count: int, level: float) -> Words:
    """Of the `count` drawn that begin with a province."""
    drawer, search = Drawer(glyphs, SEED, stream, Hardness(level=level)), GrammarSearch(reader.alphabet)
    chances, truths = [], []
    for crop, text, *_ in (drawer.sample(index) for index in range(count)):
        if text[0] in PROVINCES:
            logs = search.log_probabilities(reader.read(crop).public, [province + text[1:] for province in PROVINCES])
            chances.append(np.exp(logs - np.logaddexp.reduce(logs)))
            truths.append(PROVINCES.index(text[0]))
    return Words(np.array(chances), np.array(truths))


def report(measured: Words) -> dict[str, float]:
    return {"count": len(measured.truths), "right": round(measured.right, 3), "share of guess": round(share_of_guess(measured), 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--characters", type=Path, required=True)
    parser.add_argument("--font", type=Path, action="append", required=True)
    parser.add_argument("--latin-font", type=Path, action="append", required=True)
    parser.add_argument("--count", type=int, default=700, help="drawn plates of each level")
    given = parser.parse_args()
    glyphs = make_glyphs(split(load_characters(given.characters), SPLIT_SEED)[1], given.font, given.latin_font)
    reader = Models.load(Settings()).reader
    by_level = {level: words(reader, glyphs, stream, given.count, level) for stream, level in enumerate(LEVELS)}
    reports = {f"level {level:g}": report(measured) for level, measured in by_level.items()}
    reports["all"] = report(together(list(by_level.values())))
    sys.stdout.write(json.dumps(reports, indent=1) + "\n")


if __name__ == "__main__":
    main()
