"""Drawn vehicles with plates of every kind drive by, through the real detector, tracker and
readers. Not shipped in the package.

`python -m training.scenes --characters plate-characters.zip --font … --latin-font … [--count N]`
prints JSON: of each kind, how many passings gave one event, and how many the right plate. Plates
are drawn of characters that training never saw; vehicles and road are the demo's.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from analytics.analyser import make_analyser
from analytics.detection.detections import Picture
from analytics.models import Models
from domain.clock import NS_PER_S
from domain.events.event import Plate
from domain.media.packets import ColorPixels, Frame, WallSource
from domain.settings import Settings
from sightline.evaluation.film import EPOCH_NS, analyse, camera
from simulator.plates import PX_PER_MM
from simulator.scene import HEIGHT_PX, WIDTH_PX, checkpoint_road
from simulator.sprites import Sprite
from simulator.vehicles import GROUND_PX, MIDDLE_PX, Shape, draw_with
from training.arguments import parser_of, unseen_glyphs
from training.glyphs import Glyphs
from training.plates import FlatPlate, draw_plate
from training.texts import KINDS, Kind, Rng, draw_text

SEED, FPS = 9, 10.0
IN_VIEW, AFTER = 16, 10
"""Looks at a vehicle, and at the empty road after it."""
SCALES = (0.3, 0.62)
"""Of the drawn vehicle: its plate is 60 to 125 px wide."""
NOISE_LEVELS, BLUR_PX = 3.0, 0.6


@dataclass(frozen=True, slots=True)
class Outcome:
    kind: str
    truth: str
    read: tuple[str, ...]
    """The text of each event."""
    guessed: tuple[str, ...]
    """The same, with the best guess where there is no text."""


def picture_of(plate: FlatPlate) -> Picture:
    """The flat plate as it is, at the simulator's pixels a millimetre."""
    high, wide = plate.layers.shape[:2]
    picture = np.asarray(
        cv2.resize(plate.ground, (wide, high), interpolation=cv2.INTER_LINEAR), np.float32
    )
    for channel, colour in ((2, plate.rim), (0, plate.ink), (1, plate.red)):
        picture += (
            plate.layers[:, :, channel, None].astype(np.float32)
            / np.float32(255)
            * (colour - picture)
        )
    size = (440 if wide < 280 else 480, round(440 * high / wide) if wide < 280 else 140)
    larger = cv2.resize(
        picture, (size[0] * PX_PER_MM, size[1] * PX_PER_MM), interpolation=cv2.INTER_LINEAR
    )
    return np.asarray(np.clip(larger, 0, 255), np.uint8)


def passing(plate: Picture, road: Picture, rng: Rng) -> Iterator[Frame]:
    """A vehicle comes nearer and leaves below."""
    shape: Shape = "lorry" if plate.shape[0] > 400 else "sedan"
    body_color = (
        int(rng.integers(30, 200)),
        int(rng.integers(30, 200)),
        int(rng.integers(30, 200)),
    )
    sprite = Sprite(draw_with(plate, shape, body_color), (MIDDLE_PX, GROUND_PX))
    x, steady = (
        float(rng.uniform(0.35, 0.65)) * WIDTH_PX,
        rng.normal(0, NOISE_LEVELS, (4, HEIGHT_PX, WIDTH_PX, 1)).astype(np.int16),
    )
    for number in range(IN_VIEW + AFTER):
        canvas = road.copy()
        part = number / (IN_VIEW - 1)
        if part <= 1:
            sprite.paste(
                canvas,
                x,
                HEIGHT_PX * (0.55 + 0.4 * part),
                SCALES[0] + (SCALES[1] - SCALES[0]) * part,
            )
        soft = cv2.GaussianBlur(canvas, (0, 0), BLUR_PX)
        noisy = np.clip(soft + steady[number % len(steady)], 0, 255).astype(np.uint8)
        yield Frame(
            "film",
            ColorPixels(noisy),
            number,
            0,
            EPOCH_NS + round(number / FPS * NS_PER_S),
            WallSource.RECEIVER,
        )


def drive_by(kind: Kind, index: int, glyphs: Glyphs, models: Models, settings: Settings) -> Outcome:
    rng = np.random.default_rng([SEED, KINDS.index(kind), index])
    truth = draw_text(kind, rng)
    plate = picture_of(draw_plate(truth, kind, glyphs, rng))
    done = analyse(
        passing(plate, np.asarray(checkpoint_road(), np.uint8), rng),
        make_analyser(camera("plate"), models, settings),
    )
    events = {
        one.event.id: one.event.plate for _, one in done.passings if one.event.plate is not None
    }
    return Outcome(
        kind.name,
        truth,
        tuple(plate.text for plate in events.values()),
        tuple(_guess(plate) for plate in events.values()),
    )


def _guess(plate: Plate) -> str:
    return plate.text or next((one.text for one in plate.alternatives), "")


def report(outcomes: list[Outcome]) -> dict[str, dict[str, object]]:
    """By kind: how many drove by, gave one event, and were read right; and what was read of the
    others.
    """
    table: dict[str, dict[str, object]] = {}
    for kind in KINDS:
        some = [one for one in outcomes if one.kind == kind.name]
        wrong = [
            f"{one.truth} as {' '.join(one.read) or 'nothing'} ({' '.join(one.guessed)})"
            for one in some
            if one.read != (one.truth,)
        ]
        events = sum(len(one.read) == 1 for one in some)
        right = sum(one.read == (one.truth,) for one in some)
        guessed = sum(one.guessed == (one.truth,) for one in some)
        table[kind.name] = {
            "passings": len(some),
            "one event": events,
            "right": right,
            "right or first guess": guessed,
            "wrong": wrong,
        }
    return table


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--count", type=int, default=8, help="passings of each kind")
    given = parser.parse_args()
    glyphs = unseen_glyphs(given)
    settings = Settings()
    models = Models.load(settings)
    outcomes = [
        drive_by(kind, index, glyphs, models, settings)
        for kind in KINDS
        for index in range(given.count)
    ]
    sys.stdout.write(json.dumps(report(outcomes), ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
