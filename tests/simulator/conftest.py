"""Small files to play, in H.264 and H.265, some with B-frames, encoded once for all tests."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.stream import VideoStream

FPS = 25
MakeVideo = Callable[..., Path]


def _encode(
    path: Path,
    codec: str,
    seconds: float,
    size_px: tuple[int, int],
    gop: int,
    b_frames: int,
    bit_rate: int,
) -> None:
    options = {"preset": "ultrafast", "bf": str(b_frames), "sc_threshold": "0"}
    if codec == "libx265":
        options = {
            "preset": "ultrafast",
            "x265-params": (
                f"log-level=none:bframes={b_frames}:keyint={gop}:min-keyint={gop}:scenecut=0"
            ),
        }
    random = np.random.default_rng(1)
    still = random.integers(0, 255, (size_px[1], size_px[0], 3), np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FPS, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = *size_px, "yuv420p"
        stream.gop_size, stream.bit_rate, stream.time_base = gop, bit_rate, Fraction(1, FPS)
        for index in range(round(seconds * FPS)):
            frame = av.VideoFrame.from_ndarray(np.roll(still, 2 * index, axis=1), format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.fixture(scope="session")
def make_video(tmp_path_factory: pytest.TempPathFactory) -> MakeVideo:
    """Return a function that encodes moving noise; equal arguments return the same file."""
    folder = tmp_path_factory.mktemp("videos")
    made: dict[str, Path] = {}

    def make(
        codec: str = "libx264",
        seconds: float = 2.0,
        size_px: tuple[int, int] = (320, 240),
        gop: int = 10,
        b_frames: int = 0,
        suffix: str = ".mp4",
        bit_rate: int = 800_000,
    ) -> Path:
        name = f"{codec}-{seconds}-{size_px[0]}x{size_px[1]}-{gop}-{b_frames}-{bit_rate}"
        if name + suffix not in made:
            made[name + suffix] = folder / (name + suffix)
            _encode(made[name + suffix], codec, seconds, size_px, gop, b_frames, bit_rate)
        return made[name + suffix]

    return make
