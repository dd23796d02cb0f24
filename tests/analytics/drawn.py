"""Drawn scenes for tests of passings: a plate is a rectangle of one grey, which says what is
written on it.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from analytics.analyser import CheckpointAnalyser
from analytics.detection.detections import Detections, Picture
from analytics.passings.vehicles import Vehicles
from analytics.plates.fusion import Fusion
from analytics.plates.grammar_search import Alphabet, GrammarSearch, Lattice
from analytics.plates.reader import Lattices
from domain.clock import NS_PER_S
from domain.events.event import Passing
from domain.media.packets import Frame
from domain.plates import ALPHABET
from domain.registry.model import Camera

MakeFound = Callable[..., Detections]
MakeFrame = Callable[[int, Picture], Frame]
MakeCamera = Callable[..., Camera]
Box = tuple[float, float, float, float]
Scene = list[tuple[int, Box]]
"""(grey, (centre x, centre y, width, height)) of each plate in a picture."""

FULL = Alphabet(ALPHABET)
PLATES = {60: "鄂F12345", 100: "川A8H458", 140: "鄂F12346", 180: "粤B6R678"}
UNREADABLE = 220


def lattice_of(text: str) -> Lattice:
    lattice = np.full((2 * max(1, len(text)), len(ALPHABET) + 1), 0.1 / len(ALPHABET))
    lattice[:, 0] = 0.9
    for position, character in enumerate(text):
        lattice[2 * position, [0, FULL.encode(character)[0]]] = 0.1 / len(ALPHABET), 0.9
    return lattice


class DrawnDetector:
    """Finds the greys of the drawing; counts its looks."""

    def __init__(self, make_found: MakeFound) -> None:
        self._make_found = make_found
        self.looks = 0
        self.score = 0.9
        self.input_area_px = 960 * 544

    def at(self, input_area_px: int) -> DrawnDetector:
        return self

    def detect(self, bgr: Picture) -> Detections:
        self.looks += 1
        boxes = []
        for grey in (*PLATES, UNREADABLE):
            y, x = np.nonzero(bgr[..., 0] == grey)
            if len(x):
                boxes.append(
                    (
                        (x[0] + x[-1] + 1) / 2,
                        (y[0] + y[-1] + 1) / 2,
                        x.max() - x.min() + 1,
                        y.max() - y.min() + 1,
                    )
                )
        return self._make_found(*boxes, score=self.score)


class DrawnReader:
    def __init__(self) -> None:
        self.reads = 0

    def read(self, crop: Picture) -> Lattices:
        self.reads += 1
        said = lattice_of(PLATES.get(int(np.median(crop[..., 0])), ""))
        return Lattices(said, said)


class Street:
    """One camera's analyser over drawn scenes at 10 looks a second."""

    def __init__(self, camera: Camera, make_found: MakeFound, make_frame: MakeFrame) -> None:
        self.detector, self.reader = DrawnDetector(make_found), DrawnReader()
        self._camera, self._make_frame = camera, make_frame
        self.analyser = self._make()
        self.at_ms = 0
        self.wall_ns = 0
        """The time of the last frame."""

    def _make(self) -> CheckpointAnalyser:
        subject = Vehicles(self.detector, self.reader, Fusion(GrammarSearch(FULL)))  # type: ignore[arg-type]
        return CheckpointAnalyser(self._camera, [(subject, 10.0)])

    def restart(self) -> None:
        """A new process takes over, with the drafts of the one before."""
        drafts = self.analyser.drafts()
        self.analyser = self._make()
        self.analyser.resume(drafts)

    def show(self, scenes: list[Scene]) -> list[Passing]:
        out: list[Passing] = []
        for scene in scenes:
            frame = self._make_frame(self.at_ms, draw(scene))
            out += self.analyser.analyse(frame)
            self.wall_ns = frame.wall_ns
            self.at_ms += 100
        return out


def draw(scene: Scene) -> Picture:
    picture = np.full((360, 640, 3), 20, np.uint8)
    for grey, (x, y, wide, high) in scene:
        low, high_corner = (
            (round(x - wide / 2), round(y - high / 2)),
            (round(x + wide / 2) - 1, round(y + high / 2) - 1),
        )
        cv2.rectangle(picture, low, high_corner, (grey, grey, grey), -1)
    return picture


def approach(grey: int, frames: int = 30, x: float = 300) -> list[Scene]:
    return [[(grey, (x, 60 + 8 * n, 60 * 1.02**n, 18 * 1.02**n))] for n in range(frames)]


def stand(scene: Scene, frames: int) -> list[Scene]:
    return [scene] * frames


EMPTY: Scene = []
GONE = [EMPTY] * 10
LONG_GONE = [EMPTY] * 30
"""Until an unread passing is no longer held back."""


def texts(passings: list[Passing]) -> list[str]:
    return [passing.event.plate.text for passing in passings if passing.event.plate is not None]


def drive(grey: int, x: float = 300) -> list[Scene]:
    """A vehicle that is in view for 1.6 s."""
    return [[(grey, (x, 40 + 16 * n, 60 * 1.04**n, 18 * 1.04**n))] for n in range(16)]


def settle(street: Street) -> list[Passing]:
    return street.analyser.publish_settled(street.analyser.settled())


def without_pictures(street: Street, seconds: int) -> list[Passing]:
    """The camera is away, or its groups of pictures are not decoded, and time goes on."""
    began_ns = 1_900_000_000 * NS_PER_S
    out = [
        passing
        for second in range(seconds)
        for passing in street.analyser.idle(began_ns + second * NS_PER_S)
    ]
    street.at_ms += 1000 * seconds
    return out
