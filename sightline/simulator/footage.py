"""Makes the demo's footage once: a vehicle checkpoint, a face checkpoint and a street, drawn and encoded, with their truth beside."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from cv2.typing import MatLike

from domain.plates import PlateColor
from sightline.simulator import scene
from sightline.simulator.plates import ASSETS
from sightline.simulator.sprites import Sprite, shadow
from sightline.simulator.vehicles import GROUND_PX, MIDDLE_PX, PX_PER_M, Vehicle, draw_side, draw_vehicle

VERSION = 1
"""Part of the files' names: footage of another version is made anew."""
FPS = 15
BITRATE_BPS = 1_000_000
PASS_S, EVERY_S = 3.3, 4.4
APPROACH_S, WALK_S, WALK_EVERY_S = 2.6, 5.9, 7.0
FIRST_S = 0.6
STREET_S = 14.0

VEHICLES = (
    Vehicle("苏E5K7M2", PlateColor.BLUE, "sedan", (84, 104, 62)),
    Vehicle("沪AD12845", PlateColor.GREEN, "sedan", (226, 228, 228)),
    Vehicle("湘A8V6T3", PlateColor.BLUE, "van", (196, 198, 200)),
    Vehicle("皖K3T852", PlateColor.YELLOW, "lorry", (64, 92, 196)),
    Vehicle("川A9G35H", PlateColor.BLUE, "sedan", (52, 52, 176)),
    Vehicle("云AF71628", PlateColor.GREEN, "van", (150, 190, 120)),
    Vehicle("陕E2R586", PlateColor.BLUE, "sedan", (60, 60, 64)),
    Vehicle("浙A6X419", PlateColor.BLUE, "sedan", (120, 170, 205)),
)
"""Invented plates, of provinces whose characters in our font the public reader knows; see docs/simulator.md."""


@dataclass(frozen=True, slots=True)
class Footage:
    """The demo's files: H.264 without B-frames; each has its truth beside it as JSON (`truth_of`)."""

    plates: Path
    faces: Path
    street: Path


@dataclass(frozen=True, slots=True)
class PlatePass:
    """A vehicle's passing: seconds from the start of the file; it leaves when its plate does."""

    plate: str
    colour: str
    enter_s: float
    leave_s: float


@dataclass(frozen=True, slots=True)
class FacePass:
    faces: int
    enter_s: float
    leave_s: float


@dataclass(frozen=True, slots=True)
class _Reel:
    """What becomes a file: a frame for each time in seconds, and what passes in it."""

    name: str
    duration_s: float
    paint: Callable[[float], MatLike]
    passes: tuple[PlatePass, ...] | tuple[FacePass, ...]


def make_footage(folder: Path, progress: Callable[[str], None] | None = None) -> Footage:
    """The demo's files in `folder`, made there unless they are there already. `progress` hears a plain sentence for each file made."""
    folder.mkdir(parents=True, exist_ok=True)
    makers = {"plates": _plates_reel, "faces": _faces_reel, "street": _street_reel}
    paths = {name: folder / f"{name}-{VERSION}.mp4" for name in makers}
    missing = [name for name, path in paths.items() if not path.exists()]
    with ThreadPoolExecutor(max_workers=2) as pool:
        for name in pool.map(lambda name: _make(makers[name](), paths[name]), missing):
            if progress is not None:
                progress(f"made the footage of the {name}")
    return Footage(**paths)


def truth_of(file: Path) -> Path:
    return file.with_suffix(".json")


def _make(reel: _Reel, path: Path) -> str:
    frames = round(reel.duration_s * FPS)
    truth = {"fps": FPS, "frames": frames, "passes": [asdict(passing) for passing in reel.passes]}
    truth_of(path).write_text(json.dumps(truth, ensure_ascii=False, indent=1) + "\n", "utf-8")
    # Under another name until it is whole, so that a run that was killed leaves nothing that looks made.
    unfinished = path.with_name(f"{path.stem}.{os.getpid()}.part")
    _encode(unfinished, (_filmed(reel.paint(index / FPS), index) for index in range(frames)))
    unfinished.replace(path)
    return reel.name


def _encode(path: Path, frames: Iterator[MatLike]) -> None:
    options = {"preset": "superfast", "bf": "0", "sc_threshold": "0", "threads": "1"}
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = scene.WIDTH_PX, scene.HEIGHT_PX, "yuv420p"
        stream.bit_rate, stream.gop_size, stream.time_base = BITRATE_BPS, FPS, Fraction(1, FPS)
        for index, bgr in enumerate(frames):
            yuv = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420), np.uint8)
            frame = av.VideoFrame.from_ndarray(yuv, format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


_NOISE = [np.random.default_rng(seed).integers(0, 7, (scene.HEIGHT_PX, scene.WIDTH_PX, 3), np.uint8) for seed in range(3)]


def _filmed(picture: MatLike, index: int) -> MatLike:
    """As a camera sees it: a slow change of light, and noise."""
    light = 1 + 0.05 * math.sin(index / FPS / 5)
    lit = cv2.convertScaleAbs(picture, alpha=light, beta=-3)
    return cv2.add(lit, _NOISE[index % 3])


def _plates_reel() -> _Reel:
    road = scene.checkpoint_road()
    cars = [Sprite(draw_vehicle(vehicle), (MIDDLE_PX, GROUND_PX)) for vehicle in VEHICLES]
    dark = shadow(560, 110, 150)

    def paint(at_s: float) -> MatLike:
        frame = road.copy()
        number, since_s = int((at_s - FIRST_S) // EVERY_S), (at_s - FIRST_S) % EVERY_S
        if at_s >= FIRST_S and since_s < PASS_S and number < len(cars):
            scale = _approach(since_s)
            x, y = _lane_x_px(number, since_s, scale), scene.ground_y_px(scale)
            dark.paste(frame, x, y - 0.05 * scale, scale / PX_PER_M)
            cars[number].paste(frame, x, y, scale / PX_PER_M)
        return frame

    passes = tuple(
        PlatePass(vehicle.plate, vehicle.plate_color.value, _enter_s(number), round(_enter_s(number) + _leaves_after_s(), 2))
        for number, vehicle in enumerate(VEHICLES)
    )
    return _Reel("plates", FIRST_S + EVERY_S * len(VEHICLES), paint, passes)


def _enter_s(number: int) -> float:
    return round(FIRST_S + EVERY_S * number, 2)


_FAR_PX_PER_M, _NEAR_PX_PER_M = 62.0, 640.0


def _approach(since_s: float) -> float:
    """Pixels a metre of a vehicle this long after it came into view: it brakes towards the checkpoint, so it grows evenly in ratio."""
    return _FAR_PX_PER_M * math.exp(math.log(_NEAR_PX_PER_M / _FAR_PX_PER_M) * since_s / PASS_S)


def _leaves_after_s() -> float:
    """When its plate, some 0.45 m over the ground, is below the picture."""
    gone = (scene.HEIGHT_PX - scene.HORIZON_PX) / (scene.CAMERA_HEIGHT_M - 0.45)
    return PASS_S * math.log(gone / _FAR_PX_PER_M) / math.log(_NEAR_PX_PER_M / _FAR_PX_PER_M)


def _lane_x_px(number: int, since_s: float, scale: float) -> float:
    side = -1 if number % 2 else 1
    sway_m = 0.06 * math.sin(since_s * 2 + number)
    return scene.WIDTH_PX / 2 + (side * scene.LANE_M * 0.46 + sway_m) * scale


_ASIDE_PX_PER_S = 270.0
"""Slow enough that a face covers much of its place of the look before, at six looks a second."""


def _face_leaves_after_s() -> float:
    return APPROACH_S + (scene.WIDTH_PX / 2 - 30) / _ASIDE_PX_PER_S


def _faces_reel() -> _Reel:
    hall, front = scene.gate_hall(), Sprite(scene.barrier(), (0, 0))
    portrait = cv2.imread(str(ASSETS / "portrait.jpg"))
    mask = cv2.imread(str(ASSETS / "portrait-mask.png"), cv2.IMREAD_GRAYSCALE)
    assert portrait is not None
    assert mask is not None
    soft = cv2.GaussianBlur(cv2.erode(mask, np.ones((3, 3), np.uint8)), (0, 0), 1.0)
    person = np.dstack([portrait, soft])
    people = [Sprite(person, (230, 500)), Sprite(np.ascontiguousarray(person[:, ::-1]), (282, 500))]
    walks = 3

    def paint(at_s: float) -> MatLike:
        frame = hall.copy()
        number, since_s = int((at_s - FIRST_S) // WALK_EVERY_S), (at_s - FIRST_S) % WALK_EVERY_S
        if at_s >= FIRST_S and since_s < WALK_S and number < walks:
            scale = 0.42 * 2.9 ** min(1.0, since_s / APPROACH_S)
            step = math.sin(since_s * 6)
            aside = _ASIDE_PX_PER_S * max(0.0, since_s - APPROACH_S)
            x = 640 + (-1) ** number * (60 + aside) + 9 * step
            people[number % 2].paste(frame, x, scene.BARRIER_PX + 40 + 70 * scale + 4 * abs(step), scale)
        front.paste(frame, 0, 0, 1)
        return frame

    passes = tuple(
        FacePass(1, round(FIRST_S + WALK_EVERY_S * n, 2), round(FIRST_S + WALK_EVERY_S * n + _face_leaves_after_s(), 2))
        for n in range(walks)
    )
    return _Reel("faces", FIRST_S + WALK_EVERY_S * walks, paint, passes)


def _street_reel() -> _Reel:
    houses = scene.street()
    cars = [Sprite(draw_side(vehicle.paint), (220, 150)) for vehicle in VEHICLES[:2]]
    mirrored = [Sprite(np.ascontiguousarray(draw_side(vehicle.paint)[:, ::-1]), (220, 150)) for vehicle in VEHICLES[4:6]]

    def paint(at_s: float) -> MatLike:
        frame = houses.copy()
        for number in range(2):
            near = (at_s - 6.0 * number) / 4.5
            if 0 <= near < 1:
                mirrored[number].paste(frame, -260 + near * 1800, 540, 0.8)
            far = (at_s - 6.0 * number - 2.5) / 3.5
            if 0 <= far < 1:
                cars[number].paste(frame, 1540 - far * 1800, 648, 1.0)
        return frame

    return _Reel("street", STREET_S, paint, ())
