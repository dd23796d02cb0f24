"""Footage of a checkpoint for benchmarks: from a video with its truth, each vehicle's last
second and a half, and empty road between them.

The lengths of the empty road are drawn as in free traffic, with a fixed seed. So vehicles begin at
random phases of the groups of pictures, some follow others closely, and some are in two groups.
Regular traffic would lie in the same part of each group, and what an overloaded worker leaves out
of a group would hide none of it or all of it.

In one lane no two vehicles are in view at once. With two lanes each half of the picture shows the
middle of the video, where its vehicles are, with traffic of its own. So vehicles are in view
together by chance, and each is as large as in one lane. One lane begins with the second half of
the vehicles: a plate that is in view twice within 10 s is one passing.
"""

from __future__ import annotations

from collections import deque
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
    """A road on which a vehicle comes every `EVERY_S` in the mean and is in view for `IN_VIEW_S`,
    its truth, and the empty road.
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


def make_footage(video: Path, passes: list[Pass], folder: Path, lanes: int = 1) -> Footage:
    """Made in `folder`, two minutes of CPU time, unless it is there. There are one or two
    `lanes`.
    """
    road = _road(video, passes)
    name = f"busy-{SEED}-{round(IN_VIEW_S * FPS)}" + (f"-{lanes}" if lanes > 1 else "")
    busy, still = folder / f"{name}.mp4", folder / "still.mp4"
    folder.mkdir(parents=True, exist_ok=True)
    traffic = traffic_of(passes, lanes)
    if not busy.exists():
        pictures = [_pictures(video, shown, road, empty) for shown, empty in traffic]
        _encode(pictures[0] if lanes == 1 else map(side_by_side, *pictures), busy, BUSY_NOISE)
    if not still.exists():
        _encode(repeat(road, round(STILL_S * FPS)), still, STILL_NOISE)
    found = [one for shown, empty in traffic for one in placed(shown, empty)]
    return Footage(busy, still, sorted(found, key=lambda one: one.enter_s))


def traffic_of(passes: list[Pass], lanes: int) -> list[tuple[list[Pass], list[int]]]:
    """Return the vehicles of each lane in their order, and the frames of empty road before each."""
    traffic = []
    for lane in range(lanes):
        first = lane * len(passes) // lanes
        shown = (ROUNDS // lanes) * [*passes[first:], *passes[:first]]
        traffic.append((shown, empty_frames(len(shown), SEED + lane, lanes * EVERY_S)))
    return traffic


def side_by_side(left: Planes, right: Planes) -> Planes:
    """Return a picture of which each half is the middle of one of these pictures."""
    shown = np.empty_like(left)
    for part, from_left, from_right in zip(*map(_planes_of, (shown, left, right)), strict=True):
        quarter = part.shape[1] // 4
        part[:, : 2 * quarter] = from_left[:, quarter : 3 * quarter]
        part[:, 2 * quarter :] = from_right[:, quarter : 3 * quarter]
    return shown


def _planes_of(picture: Planes) -> list[Planes]:
    """Return the brightness and the two colours as views."""
    height, width = picture.shape[0] * 2 // 3, picture.shape[1]
    colours = picture[height:].reshape(2, height // 2, width // 2)
    return [picture[:height], colours[0], colours[1]]


def empty_frames(vehicles: int, seed: int, every_s: float = EVERY_S) -> list[int]:
    """Return how many frames of empty road come before each vehicle.

    Their lengths above the shortest one are distributed exponentially, as in free traffic. Together
    with the vehicles they take `every_s` a vehicle.
    """
    least = round(LEAST_APART_S * FPS)
    spare = round(vehicles * (every_s - IN_VIEW_S - LEAST_APART_S) * FPS)
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
    """Yield these passes of the video, in any order, each after its frames of empty road."""
    left = deque(zip(passes, empty, strict=True))
    while left:
        at_s = 0.0
        with av.open(str(video)) as container:
            frames = container.decode(video=0)
            while left and left[0][0].leave_s > at_s:
                one, empty_frames_before = left.popleft()
                at_s = one.leave_s
                first = next(frame for frame in frames if (frame.time or 0.0) >= at_s - IN_VIEW_S)
                shown = islice(chain([first], frames), round(IN_VIEW_S * FPS))
                yield from repeat(road, empty_frames_before)
                yield from (_planes(frame) for frame in shown)


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
