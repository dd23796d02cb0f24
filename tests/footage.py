"""Footage for tests: drawn for the run, or real footage next to the checkout."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import av
import cv2
import numpy as np

from domain.plates import PlateColor
from sightline.evaluation.truth import Pass, read_truth
from simulator.footage import truth_of
from tests.drawn_footage import (
    make_characters,
    make_crops,
    make_faces_film,
    make_photos,
    make_plates_film,
    photographed,
)

ROOT = Path(__file__).parent.parent
DRAWN_BY = (
    "tests/drawn_footage.py",
    "training/*.py",
    "domain/plates.py",
    "simulator/*.py",
    "simulator/assets/*",
)
PLATES, FACES = "checkpoint-plates.mp4", "checkpoint-faces.mp4"
PHOTOS, CROPS, CHARACTERS = "plate-photos", "plate-crops", "plate-characters.zip"
MAKERS: dict[str, Callable[[Path], None]] = {
    PLATES: make_plates_film,
    FACES: make_faces_film,
    PHOTOS: make_photos,
    CROPS: make_crops,
    CHARACTERS: make_characters,
}


@dataclass(frozen=True)
class Footage:
    """Films with their truth, photographs and crops named by their plates, and characters."""

    folder: Path
    colors: dict[str, PlateColor]
    """Of plates on photographs, some of them of two rows."""
    bystanders: frozenset[str] = frozenset()
    """Plates that can be read in the film of vehicles, and do not pass."""
    unsure: int = 0
    """How many plates of the film, or of a few pictures, may be read wrong, and how many faces may
    be found twice. What is drawn is drawn clearly, so that nothing of it may be wrong."""
    makers: dict[str, Callable[[Path], None]] = field(default_factory=dict)
    """What is drawn when it is first asked for; the rest is there."""

    @property
    def is_drawn(self) -> bool:
        return bool(self.makers)

    @property
    def plates(self) -> Path:
        """The film of vehicles that come up to a checkpoint."""
        return self._path(PLATES)

    @property
    def faces(self) -> Path:
        """The film of people who come up to a gate, two at a time."""
        return self._path(FACES)

    @property
    def photos(self) -> Path:
        return self._path(PHOTOS)

    @property
    def crops(self) -> Path:
        return self._path(CROPS)

    @property
    def read_crops(self) -> list[str]:
        """The names of crops that are read right: all that are drawn, and one of the real ones."""
        return (
            sorted(one.stem for one in self.crops.glob("*.jpg")) if self.is_drawn else ["川X90621"]
        )

    @property
    def characters(self) -> Path:
        return self._path(CHARACTERS)

    def passes(self) -> list[Pass]:
        return read_truth(truth_of(self.plates))

    def order(self) -> list[str]:
        """The plates of the film, in the order in which they come."""
        return [one.plate for one in self.passes() if one.plate is not None]

    def _path(self, name: str) -> Path:
        """Made once for all processes of a run; moved to its place when it is whole."""
        path = self.folder / name
        if name not in self.makers:
            return path
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                unfinished = self.folder / f"unfinished-{name}"
                self.makers[name](unfinished)
                if truth_of(unfinished).exists():
                    truth_of(unfinished).replace(truth_of(path))
                unfinished.replace(path)
        return path


def version() -> str:
    """A digest of all that the drawn footage depends on: the code that draws it, and its
    libraries.
    """
    digest = hashlib.sha256()
    for library in (av, cv2, np):
        digest.update(f"{library.__name__} {library.__version__}\n".encode())
    for file in sorted(one for pattern in DRAWN_BY for one in ROOT.glob(pattern)):
        digest.update(f"{file.relative_to(ROOT)}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def drawn(folder: Path) -> Footage:
    return Footage(folder, photographed(), makers=MAKERS)


def real(folder: Path) -> Footage:
    """The development footage, which is no part of the repository."""
    colors = {"粤AB2893": PlateColor.YELLOW, "湘AED855": PlateColor.BLUE}
    return Footage(folder, colors, bystanders=frozenset({"闽DG065G"}), unsure=1)
