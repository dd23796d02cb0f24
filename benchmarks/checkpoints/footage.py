"""Footage of a checkpoint for benchmarks: from a video with its truth, each vehicle's last
second and a half, and empty road between them.

The lengths of the empty road are drawn as in free traffic, with a fixed seed. So vehicles begin at
random phases of the groups of pictures, some follow others closely, and some are in two groups.
Regular traffic would lie in the same part of each group, and what an overloaded worker leaves out
of a group would hide none of it or all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from sightline.evaluation.truth import Pass

FPS = 25
IN_VIEW_S, EVERY_S = 38 / FPS, 4.0
"""Vehicles are in view for a whole number of frames, so that the truth is exact. `EVERY_S` is the
mean from one vehicle to the next.
"""
LEAST_APART_S = 0.4
"""The shortest empty road between two vehicles."""
ROUNDS = 2
"""Each vehicle of the video comes so often, each time at another phase."""
SEED = 20
"""With this seed the phases of few vehicles are spread evenly over a group (`test_footage.py`)."""
STILL_S = 20.0
BUSY_NOISE, STILL_NOISE = 3.0, 1.5
"""Grey levels of noise. The road with traffic has as much as makes it 3 Mbit/s, for decoding to
cost what it does; the empty one as little as a camera leaves that takes noise out over time, or
packets after a keyframe would be four times as large as those before the next.
"""
_NOISES = 8
_OPTIONS = {
    "preset": "veryfast",
    "crf": "22",
    "g": str(2 * FPS),
    "sc_threshold": "0",
    "bf": "0",
    "maxrate": "6M",
    "bufsize": "6M",
}
"""As cameras are set: a variable bit rate up to a limit, a keyframe every two seconds, no
B-frames.
"""

Planes = NDArray[np.uint8]
"""A picture as the decoder has it: brightness, and half as high below it colour."""


@dataclass(frozen=True, slots=True)
class Footage:
    """A road with a vehicle in view for `IN_VIEW_S` of every `EVERY_S` in the mean, its truth, and
    the empty road.
    """

    busy: Path
    still: Path
    passes: list[Pass]

    @property
    def busy_s(self) -> float:
        return EVERY_S * len(self.passes)

    @property
    def mbit_s(self) -> dict[str, float]:
        seconds = {self.busy: self.busy_s, self.still: STILL_S}
        return {
            file.stem: round(file.stat().st_size * 8e-6 / length_s, 2)
            for file, length_s in seconds.items()
        }


def make_footage(video: Path, passes: list[Pass], folder: Path) -> Footage:
    """Made in `folder`, two minutes of CPU time, unless it is there."""
    road = _road(video, passes)
    busy, still = folder / f"busy-{SEED}-{round(IN_VIEW_S * FPS)}.mp4", folder / "still.mp4"
    folder.mkdir(parents=True, exist_ok=True)
    empty = empty_frames(ROUNDS * len(passes), SEED)
    if not busy.exists():
        _encode(_pictures(video, passes, road, empty), busy, BUSY_NOISE)
    if not still.exists():
        _encode(repeat(road, round(STILL_S * FPS)), still, STILL_NOISE)
    return Footage(busy, still, placed(ROUNDS * passes, empty))


def empty_frames(vehicles: int, seed: int) -> list[int]:
    """Return how many frames of empty road come before each vehicle.

    Their lengths above the shortest one are distributed exponentially, as in free traffic. Together
    with the vehicles they take `EVERY_S` a vehicle.
    """
    least = round(LEAST_APART_S * FPS)
    spare = round(vehicles * (EVERY_S - IN_VIEW_S - LEAST_APART_S) * FPS)
    until = np.cumsum(np.random.default_rng(seed).exponential(size=vehicles))
    edges = np.rint(until / until[-1] * spare).astype(int)
    return [least + int(frames) for frames in np.diff(edges, prepend=0)]


def placed(passes: Sequence[Pass], empty: Sequence[int]) -> list[Pass]:
    """Return the vehicles where they are in view, each after its frames of empty road."""
    found, at_s = list[Pass](), 0.0
    for one, frames in zip(passes, empty, strict=True):
        found.append(moved(one, at_s + frames / FPS))
        at_s = found[-1].leave_s
    return found


def moved(one: Pass, enter_s: float, in_view_s: float = IN_VIEW_S) -> Pass:
    return one.model_copy(update={"enter_s": enter_s, "leave_s": enter_s + in_view_s})


def _encode(pictures: Iterable[Planes], file: Path, noise_levels: float) -> None:
    noises: list[NDArray[np.int16]] = []
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options=_OPTIONS)
        assert isinstance(stream, av.VideoStream)
        stream.pix_fmt = "yuv420p"
        for number, planes in enumerate(pictures):
            if not noises:
                stream.width, stream.height = planes.shape[1], planes.shape[0] * 2 // 3
                noises = _noises(stream.height, stream.width, noise_levels)
            noisy = planes.copy()
            cv2.add(
                planes[: stream.height],
                noises[number % _NOISES],
                dst=noisy[: stream.height],
                dtype=cv2.CV_8U,
            )
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noisy, format="yuv420p")))
        container.mux(stream.encode())


def _pictures(
    video: Path, passes: Sequence[Pass], road: Planes, empty: Sequence[int]
) -> Iterator[Planes]:
    """Yield the passes of the video again and again, each after its frames of empty road."""
    left = iter(empty)
    for _ in range(len(empty) // len(passes)):
        with av.open(str(video)) as container:
            frames = container.decode(video=0)
            for one in passes:
                begin_s = one.leave_s - IN_VIEW_S
                first = next(frame for frame in frames if (frame.time or 0.0) >= begin_s)
                shown = islice(chain([first], frames), round(IN_VIEW_S * FPS))
                yield from chain(repeat(road, next(left)), (_planes(frame) for frame in shown))


def _road(video: Path, passes: list[Pass]) -> Planes:
    """The picture in the middle between the first two passes."""
    at_s = (passes[0].leave_s + passes[1].enter_s) / 2
    with av.open(str(video)) as container:
        return _planes(
            next(frame for frame in container.decode(video=0) if (frame.time or 0.0) >= at_s)
        )


def _planes(frame: av.VideoFrame) -> Planes:
    return np.asarray(frame.to_ndarray(format="yuv420p"), np.uint8)


def _noises(height_px: int, width_px: int, levels: float) -> list[NDArray[np.int16]]:
    drawn = np.random.default_rng(5)
    return [
        np.rint(drawn.normal(0, levels, (height_px, width_px))).astype(np.int16)
        for _ in range(_NOISES)
    ]
