"""Draws and encodes the demo's footage: a vehicle checkpoint, a face checkpoint and a street.

Each file has a truth file.
"""

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
from simulator import scene
from simulator.reels import Car, Reel, faces_reel, plates_reel, street_reel
from simulator.vehicles import Vehicle, draw_vehicle

VERSION = 1
"""It is part of the file names, so that footage of another version is drawn again."""
FPS = 15
BITRATE_BPS = 1_000_000

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
"""Invented plates, of provinces whose characters in our font the public reader knows; see
docs/simulator.md.
"""


@dataclass(frozen=True, slots=True)
class Footage:
    """The demo's files, in H.264 without B-frames; `truth_of` returns the truth file of each."""

    plates: Path
    faces: Path
    street: Path


def make_footage(folder: Path, progress: Callable[[str], None] | None = None) -> Footage:
    """Return the demo's files in `folder`, and create those that are missing.

    `progress` is called with a sentence for each created file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    makers = {"plates": _plates, "faces": faces_reel, "street": _street}
    paths = {name: folder / f"{name}-{VERSION}.mp4" for name in makers}
    missing = [name for name, path in paths.items() if not path.exists()]
    with ThreadPoolExecutor(max_workers=2) as pool:
        for name in pool.map(lambda name: make_video(makers[name](), paths[name]), missing):
            if progress is not None:
                progress(f"made the footage of the {name}")
    return Footage(**paths)


def truth_of(file: Path) -> Path:
    return file.with_suffix(".json")


def _plates() -> Reel:
    return plates_reel([Car(one.plate, one.plate_color, draw_vehicle(one)) for one in VEHICLES])


def _street() -> Reel:
    far, near = VEHICLES[:2], VEHICLES[4:6]
    return street_reel([one.body_color for one in far], [one.body_color for one in near])


def make_video(reel: Reel, path: Path) -> str:
    """Encode the reel and write its truth file; return the reel's name."""
    frames = round(reel.duration_s * FPS)
    truth = {"fps": FPS, "frames": frames, "passes": [asdict(passing) for passing in reel.passes]}
    truth_of(path).write_text(json.dumps(truth, ensure_ascii=False, indent=1) + "\n", "utf-8")
    # The file has another name until it is complete, so that a killed run leaves no partial file.
    unfinished = path.with_name(f"{path.stem}.{os.getpid()}.part")
    _encode(unfinished, (_filmed(reel.draw_frame(index / FPS), index) for index in range(frames)))
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


_NOISE = [
    np.random.default_rng(seed).integers(0, 7, (scene.HEIGHT_PX, scene.WIDTH_PX, 3), np.uint8)
    for seed in range(3)
]


def _filmed(picture: MatLike, index: int) -> MatLike:
    """As a camera sees it: a slow change of light, and noise."""
    light = 1 + 0.05 * math.sin(index / FPS / 5)
    lit = cv2.convertScaleAbs(picture, alpha=light, beta=-3)
    return cv2.add(lit, _NOISE[index % 3])
