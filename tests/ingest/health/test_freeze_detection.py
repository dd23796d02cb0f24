"""A frozen picture differs from a quiet scene in the output of real encoders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from ingest.health.freeze_detection import MIN_FREEZE_S, FreezeDetection, Moment
from ingest.packets import nal

FPS, GOP, SECONDS = 5, 5, 24
Picture = NDArray[np.uint8]
RNG = np.random.default_rng(7)
SCENE: Picture = np.kron(
    RNG.integers(0, 256, (15, 20, 3), np.uint8), np.ones((16, 16, 1), np.uint8)
)


def encoded(
    codec: str, picture: Callable[[int], Picture], options: dict[str, str]
) -> Iterator[tuple[bytes, bool]]:
    """Access units in Annex B, and whether each is a keyframe."""
    context = av.CodecContext.create("libx264" if codec == "h264" else "libx265", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt, context.gop_size = 320, 240, "yuv420p", GOP
    context.framerate = Fraction(FPS)
    context.options = {
        "preset": "ultrafast",
        "x265-params": f"log-level=error:keyint={GOP}:min-keyint={GOP}:scenecut=0:pools=1",
        **options,
    }
    frames: list[av.VideoFrame | None] = [
        av.VideoFrame.from_ndarray(picture(number), "rgb24") for number in range(FPS * SECONDS)
    ]
    for frame in [*frames, None]:
        for packet in context.encode(frame):
            data = bytes(packet)
            yield data, nal.keyframe_head(codec, data) >= 0


def watch(
    codec: str, units: Iterator[tuple[bytes, bool]], still: FreezeDetection, first: int = 0
) -> int:
    """Play them into `still`, a frame each 1/FPS s from number `first`; the number after the
    last.
    """
    size_bytes = 0
    number = first
    for number, (data, is_keyframe) in enumerate(units, first):
        if is_keyframe:
            still.keyframe(
                codec,
                data,
                number - first,
                size_bytes,
                Moment(number / FPS, round(number / FPS * 1e9)),
            )
        size_bytes += len(data)
    return number + 1


def noisy(_: int) -> Picture:
    """A quiet scene: what a sensor at night adds, of one step of brightness in a hundredth of
    the pixels.
    """
    return SCENE ^ (RNG.random(SCENE.shape) < 0.01).astype(np.uint8)


QUALITY = {"crf": "23"}


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_picture_that_never_changes_is_frozen(codec: str) -> None:
    still = FreezeDetection()
    watch(codec, encoded(codec, lambda _: SCENE, QUALITY), still)
    assert still.since is not None
    assert still.since.s <= SECONDS - MIN_FREEZE_S


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_quiet_scene_with_the_noise_of_a_sensor_is_not(codec: str) -> None:
    still = FreezeDetection()
    watch(codec, encoded(codec, noisy, QUALITY), still)
    assert still.since is None


def test_footage_that_plays_round_is_not() -> None:
    """A test server's loop of one second repeats its keyframe; what lies between moves."""
    still = FreezeDetection()
    second = list(
        encoded("h264", lambda number: np.roll(SCENE, 16 * (number % FPS), axis=1), QUALITY)
    )[:GOP]
    watch("h264", iter(second * SECONDS), still)
    assert still.since is None


def test_it_ends_with_the_first_keyframe_that_is_another() -> None:
    still = FreezeDetection()
    now = watch("h264", encoded("h264", lambda _: SCENE, QUALITY), still)
    assert still.since is not None
    still.keyframe("h264", b"\0\0\1\x65other", GOP * SECONDS, 10**6, Moment(now / FPS, 99))
    assert still.since is None
    assert still.ended == Moment(now / FPS, 99)
