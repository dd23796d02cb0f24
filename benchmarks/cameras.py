"""Cameras for benchmarks: a server in a process of its own plays one file as many cameras. The
picture and the bit rate of the file are known.
"""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import av
import numpy as np
from pydantic import TypeAdapter

from domain.clock import SystemClock
from simulator.player import Counters

Server = Literal["simulator", "gstreamer"]
FPS = 25
GOP = 2 * FPS
_SHORT_S = 10
CLOCK = SystemClock()
_ROOT = Path(__file__).parent.parent
_COUNTERS = TypeAdapter(dict[str, Counters])


@dataclass(frozen=True, slots=True)
class Picture:
    """What the cameras show."""

    height_px: int = 720
    mbit_s: float = 1.0
    codec: Literal["libx264", "libx265"] = "libx264"

    @property
    def width_px(self) -> int:
        return self.height_px * 16 // 9


class Cameras:
    """Cameras that a server process plays."""

    def __init__(self, process: subprocess.Popen[str], urls: list[str], counts: bool) -> None:
        self.urls = urls
        self.began_ns = CLOCK.wall_ns()
        """When the simulator's streams began, to a few milliseconds."""
        self.process_id = process.pid
        self._process = process
        self._counts = counts

    def fall_silent(self) -> list[Counters] | None:
        """Send nothing more on the open connections; return what was sent until then, of each
        camera. None from a server that does not count. A reader that connects again is served.
        """
        if not self._counts:
            return None
        self._process.send_signal(signal.SIGUSR1)
        assert self._process.stdout is not None
        return list(_COUNTERS.validate_json(self._process.stdout.readline()).values())

    def end(self) -> None:
        """End the server: readers that connect again are refused."""
        self._process.terminate()
        self._process.wait()


@contextmanager
def served(
    server: Server,
    file: Path,
    cameras: int,
    folder: Path,
    every_s: float = 0.0,
    others: Sequence[Path] = (),
) -> Iterator[Cameras]:
    """`cameras` cameras that all play `file`: the simulator's without an end, GStreamer's once for
    each client, from its beginning.

    `every_s`: of the simulator's, each is this much further on in the file than the one before.
    `others` are the files of further cameras of the simulator, which begin at the start.
    """
    paths = [f"cam-{number}" for number in range(cameras)]
    if server == "gstreamer":
        command = [
            "/usr/bin/python3",
            str(_ROOT / "tests" / "gst_server.py"),
            "--port",
            "0",
            *(f"{path}={file}" for path in paths),
        ]
    else:
        config = folder / "simulator.json"
        config.write_text(
            json.dumps(
                [
                    {"path": path, "file": str(file), "phase_s": every_s * at}
                    for at, path in enumerate(paths)
                ]
                + [
                    {"path": f"cam-{at}", "file": str(one)}
                    for at, one in enumerate(others, cameras)
                ]
            )
        )
        command = [sys.executable, "-m", "simulator", "--config", str(config)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield Cameras(
            process,
            list(json.loads(process.stdout.readline())["urls"].values()),
            counts=server == "simulator",
        )
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def make_stream(file: Path, picture: Picture, seconds: float = _SHORT_S) -> Path:
    """A moving, noisy picture at a steady bit rate, a keyframe every two seconds: ten seconds
    encoded, and repeated.
    """
    short = file.with_name(f"ten-seconds-{file.name}")
    _encode(short, picture)
    with av.open(str(file), "w") as container:
        stream: av.VideoStream | None = None
        for repeat in range(math.ceil(seconds / _SHORT_S)):
            with av.open(str(short)) as source:
                read = source.streams.video[0]
                stream = stream or container.add_stream_from_template(read)
                assert read.time_base is not None
                shift = round(repeat * _SHORT_S / read.time_base)
                for packet in source.demux(read):
                    if packet.pts is None or packet.dts is None:
                        continue
                    packet.pts, packet.dts, packet.stream = (
                        packet.pts + shift,
                        packet.dts + shift,
                        stream,
                    )
                    container.mux(packet)
    short.unlink()
    return file


def _encode(file: Path, picture: Picture) -> None:
    width_px, height_px, rate_kbit_s = (
        picture.width_px,
        picture.height_px,
        round(picture.mbit_s * 1000),
    )
    random = np.random.default_rng(1)
    noise = random.integers(0, 60, (height_px, width_px + 16 * FPS, 3), np.uint8)
    options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "bf": "0",
        "g": str(GOP),
        "sc_threshold": "0",
    }
    if picture.codec == "libx264":
        options["x264-params"] = f"nal-hrd=cbr:vbv-maxrate={rate_kbit_s}:vbv-bufsize={rate_kbit_s}"
    else:
        options["x265-params"] = (
            f"log-level=none:bframes=0:keyint={GOP}:min-keyint={GOP}:scenecut=0:vbv-maxrate={rate_kbit_s}:vbv-bufsize={rate_kbit_s}"
        )
    with av.open(str(file), "w") as container:
        stream = container.add_stream(picture.codec, rate=FPS, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = (
            width_px,
            height_px,
            "yuv420p",
            rate_kbit_s * 1000,
        )
        for number in range(_SHORT_S * FPS):
            shift = 16 * (number % FPS)
            frame = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(noise[:, shift : shift + width_px]), format="bgr24"
            )
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
