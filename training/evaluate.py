"""Measures weights on real pictures named by their plates: alone, the public reader alone, and both
together. Not shipped in the package.

`python -m training.evaluate WEIGHTS FOLDER --models DIR [--photos]`: crops, or with `--photos`
whole photographs whose plates are found first (one counts as read when any plate found in it is
read exactly). Prints JSON. Nothing may be chosen by its figures.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from analytics.detection.detections import Floats, Picture
from analytics.detection.plate_detector import PlateDetector
from analytics.detection.two_rows import is_two_rows, unroll
from analytics.inference.onnx_runtime import Model
from analytics.models import PLATE_CHARACTERS, PLATE_DETECTOR, PLATE_READER
from analytics.plates.color import plate_color, votes
from analytics.plates.crop import rectify
from analytics.plates.fusion import Fusion
from analytics.plates.grammar_search import Alphabet, GrammarSearch, Lattice
from analytics.plates.own_reader import ALPHABET, OwnReader
from analytics.plates.reader import PlateReader
from domain.clock import SystemClock

HYPOTHESES = 6


@dataclass(frozen=True)
class Example:
    """One plate's truth and the crops of which one should show it."""

    truth: str
    crops: list[Picture]


@dataclass
class Tally:
    exact: int = 0
    body: int = 0
    first: int = 0
    others: int = 0
    total: int = 0
    total_others: int = 0

    def add(self, truth: str, read: list[str]) -> None:
        exact = truth in read
        self.exact += exact
        self.body += any(text[1:] == truth[1:] for text in read)
        self.first += any(text[:1] == truth[0] for text in read)
        self.total += 1
        self.total_others += truth[0] != "皖"
        self.others += exact and truth[0] != "皖"


class Readers:
    """Both readers and the ways to make one text of what they say."""

    def __init__(self, weights: Path, models: Path) -> None:
        characters = (models / PLATE_CHARACTERS).read_text("utf-8").split()
        self._reader = PlateReader(
            Model(models / PLATE_READER), characters, OwnReader(Model(weights))
        )
        self._own_search, self._public_search = (
            GrammarSearch(Alphabet(ALPHABET)),
            GrammarSearch(self._reader.alphabet),
        )
        self._fusion = Fusion(self._public_search)

    def read(self, crop: Picture) -> dict[str, str]:
        lattices = self._reader.read(crop)
        mine = _texts(self._own_search, lattices.own)
        theirs = _texts(self._public_search, lattices.public)
        color = plate_color(votes(crop))
        return {
            "own, greedy": _greedy(lattices.own),
            "own": _first(mine),
            "public": _first(theirs),
            "fused": self._fusion.fuse([self._fusion.reading(lattices, 1.0)], color).text,
        }


def _texts(search: GrammarSearch, lattice: Lattice) -> list[str]:
    return [hypothesis.text for hypothesis in search.hypotheses(lattice, HYPOTHESES)]


def _first(texts: list[str]) -> str:
    return texts[0] if texts else ""


def _greedy(lattice: Lattice) -> str:
    row = lattice.argmax(axis=1).tolist()
    return "".join(ALPHABET[s - 1] for i, s in enumerate(row) if s and (i == 0 or row[i - 1] != s))


def crops(folder: Path) -> list[Example]:
    return [Example(file.stem, [_open(file)]) for file in sorted(folder.glob("*.jpg"))]


def photos(folder: Path, detector: PlateDetector) -> list[Example]:
    examples = []
    for file in sorted(folder.glob("*.jpg")):
        picture = _open(file)
        points = detector.detect(picture).points[:4]
        examples.append(
            Example(file.stem, [crop for quad in points for crop in _cuts(picture, quad)])
        )
    return examples


def _cuts(picture: Picture, corners: Floats) -> list[Picture]:
    """The plate straightened; and, where it is as high as two rows are, unrolled as well."""
    rectified = rectify(picture, corners)
    return (
        [rectified, unroll(rectified, rectified.shape[1], rectified.shape[0])]
        if is_two_rows(corners)
        else [rectified]
    )


def _open(file: Path) -> Picture:
    picture = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError(f"{file} is no picture")
    return np.asarray(picture, np.uint8)


def measure(readers: Readers, examples: list[Example]) -> dict[str, object]:
    tallies: dict[str, Tally] = {}
    missed: dict[str, list[str]] = {}
    for example in examples:
        read = [readers.read(crop) for crop in example.crops]
        for name in read[0] if read else tallies:
            texts = [each[name] for each in read]
            tallies.setdefault(name, Tally()).add(example.truth, texts)
            if example.truth not in texts:
                missed.setdefault(name, []).append(f"{example.truth}: {' '.join(texts)}")
    return {"rates": {name: vars(tally) for name, tally in tallies.items()}, "missed": missed}


def cost_ms(weights: Path, runs: int = 200) -> float:
    """Milliseconds of one core a crop, in a batch of one."""
    reader, clock = OwnReader(Model(weights)), SystemClock()
    crop = np.zeros((48, 188, 3), np.uint8)
    reader.read(crop)
    began = clock.monotonic_s()
    for _ in range(runs):
        reader.read(crop)
    return 1000 * (clock.monotonic_s() - began) / runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("weights", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--models", type=Path, required=True, help="the folder of the public models"
    )
    parser.add_argument("--photos", action="store_true")
    given = parser.parse_args()
    readers = Readers(given.weights, given.models)
    examples = (
        photos(given.folder, PlateDetector(Model(given.models / PLATE_DETECTOR)))
        if given.photos
        else crops(given.folder)
    )
    report = {**measure(readers, examples), "ms a crop": round(cost_ms(given.weights), 2)}
    sys.stdout.write(json.dumps(report, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
