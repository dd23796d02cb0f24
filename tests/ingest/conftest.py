"""Footage, cameras and pulls that the tests of ingest share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

import av
import numpy as np
import pytest

from domain.clock import SystemClock
from domain.media import AudioPacket, Packet
from domain.registry import Camera, Credentials, Networks
from domain.runs import Came, singly
from domain.settings import RtspReader, Settings
from ingest.pull_loop import PullLoop
from ingest.rtsp import RtspSource

FPS = 25
NETWORKS = Networks((ip_network("127.0.0.0/8"),))


def make_video(file: Path, codec: str, frames: int, width: int = 320, height: int = 240, gop: int = 25, b_frames: int = 0) -> Path:
    """A moving grey ramp, whose mean brightness tells the frame: 4 x (number modulo 50)."""
    with av.open(str(file), "w") as out:
        stream = out.add_stream("libx264" if codec == "h264" else "libx265", rate=FPS)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = width, height, "yuv420p", gop
        quiet = f"log-level=error:keyint={gop}:min-keyint={gop}:scenecut=0:open-gop=0:pools=1"
        x264: dict[str, object] = {"preset": "ultrafast", "sc_threshold": "0", "bf": str(b_frames)}
        x265: dict[str, object] = {"preset": "ultrafast", "x265-params": f"{quiet}:bframes={b_frames}"}
        stream.options = x264 if codec == "h264" else x265
        for number in range(frames):
            grey = np.full((height, width, 3), 4 * (number % 50), np.uint8)
            grey[: height // 4, (7 * number) % (width - 20) :][:, :20] ^= 0x40
            out.mux(stream.encode(av.VideoFrame.from_ndarray(grey, "rgb24")))
        out.mux(stream.encode(None))
    return file


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """`h264` and `hevc` (with B-frames): 50 frames, 2 s, a keyframe a second; `large`: h264 of another size."""
    folder = tmp_path_factory.mktemp("clips")
    return {
        "h264": make_video(folder / "h264.mp4", "h264", 50),
        "hevc": make_video(folder / "hevc.mp4", "hevc", 50, b_frames=2),
        "large": make_video(folder / "large.mp4", "h264", 50, width=640, height=480),
    }


def make_camera(url: str, transport: str = "tcp", camera_id: str = "gate") -> Camera:
    where = {"lon": 1, "lat": 2}
    entry: dict[str, object] = {"id": camera_id, "name": "gate", "class": "A", "area": "a", "location": where, "url": url}
    entry["transport"] = transport
    return Camera.model_validate(entry)


@dataclass
class Pull:
    """What came of one connection."""

    packets: list[Packet] = field(default_factory=list)
    audio: list[AudioPacket] = field(default_factory=list)
    error: Exception | None = None
    took_s: float = 0.0


class Collector:
    """Takes a connection's packets, up to `most`, and knows when it is over."""

    def __init__(self, most: int) -> None:
        self.got = Pull()
        self.is_enough, self.is_over = threading.Event(), threading.Event()
        self._most = most

    @property
    def is_followed(self) -> bool:
        return True

    @property
    def is_heeded(self) -> bool:
        return True

    def took(self, came: list[Came]) -> None:
        self.got.packets += list(singly(came))[: self._most - len(self.got.packets)]
        if len(self.got.packets) >= self._most:
            self.is_enough.set()

    def heard(self, packets: list[AudioPacket]) -> None:
        self.got.audio += packets

    def ended(self, error: Exception | None) -> None:
        if not self.is_enough.is_set():
            self.got.error = error
        self.is_over.set()

    def failed(self, error: Exception) -> None:
        self.ended(error)


Puller = Callable[..., Pull]


@pytest.fixture
def source_of() -> Callable[..., RtspSource]:
    def make(
        url: str,
        transport: str = "tcp",
        credentials: Credentials | None = None,
        timeout_s: float = 2.0,
        udp_ports: tuple[int, int] = (40_000, 59_999),
    ) -> RtspSource:
        """`transport` may be `libavformat`: TCP, by that reader."""
        reader = RtspReader.LIBAVFORMAT if transport == "libavformat" else RtspReader.OWN
        camera = make_camera(url, "tcp" if transport == "libavformat" else transport)
        first, last = udp_ports
        settings = Settings(source_timeout_s=timeout_s, rtsp_reader=reader, udp_port_first=first, udp_port_last=last)
        return RtspSource(camera, credentials, NETWORKS, settings)

    return make


@pytest.fixture
def pull() -> Puller:
    """Pulls until the end, until `most` packets, or until `stop`."""

    def run(source: RtspSource, most: int = 100_000, stop: threading.Event | None = None) -> Pull:
        clock, collector = SystemClock(), Collector(most)
        loop = PullLoop(clock)
        began_s = clock.monotonic_s()
        loop.start()
        loop.call(collector, lambda: source.open(loop, collector))
        while not (collector.is_enough.wait(0.02) or collector.is_over.is_set() or (stop is not None and stop.is_set())):
            pass
        loop.call(collector, source.close)
        collector.is_over.wait(5.0)
        loop.stop()
        loop.join()
        collector.got.took_s = clock.monotonic_s() - began_s
        return collector.got

    return run


@pytest.fixture
def camera_of() -> Callable[..., Camera]:
    return make_camera


@pytest.fixture
def networks() -> Networks:
    return NETWORKS
