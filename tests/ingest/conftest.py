"""Footage, cameras and connections that the tests of ingest share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

import av
import numpy as np
import pytest

from domain.clock import Clock
from domain.media.fanout import Fanout
from domain.media.packet_batch import PacketOrBatch, single_packets
from domain.media.packets import AudioPacket, Packet
from domain.registry import Camera, Credentials, Networks
from domain.settings import Settings
from domain.settings_groups.recording import RtspReader
from ingest.rtsp.libav_watchdog import LibavWatchdog
from ingest.rtsp.pull_loop import PullLoop
from ingest.rtsp.source import RtspSource
from ingest.streamer import Streamer
from tests.adjusted_clock import AdjustedClock
from tests.threads_left import no_thread_left
from tests.waiting import wait_event, wait_for

FPS = 25
NETWORKS = Networks((ip_network("127.0.0.0/8"),))


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    with no_thread_left():
        yield


def make_video(
    file: Path,
    codec: str,
    frames: int,
    width: int = 320,
    height: int = 240,
    gop: int = 25,
    b_frames: int = 0,
) -> Path:
    """A moving grey ramp, whose mean brightness tells the frame: 4 x (number modulo 50)."""
    with av.open(str(file), "w") as out:
        stream = out.add_stream("libx264" if codec == "h264" else "libx265", rate=FPS)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = width, height, "yuv420p", gop
        quiet = f"log-level=error:keyint={gop}:min-keyint={gop}:scenecut=0:open-gop=0:pools=1"
        x264: dict[str, object] = {"preset": "ultrafast", "sc_threshold": "0", "bf": str(b_frames)}
        x265: dict[str, object] = {
            "preset": "ultrafast",
            "x265-params": f"{quiet}:bframes={b_frames}",
        }
        stream.options = x264 if codec == "h264" else x265
        for number in range(frames):
            grey = np.full((height, width, 3), 4 * (number % 50), np.uint8)
            grey[: height // 4, (7 * number) % (width - 20) :][:, :20] ^= 0x40
            out.mux(stream.encode(av.VideoFrame.from_ndarray(grey, "rgb24")))
        out.mux(stream.encode(None))
    return file


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """`h264`, `hevc` and `reordered` (h264), the last two with B-frames: 50 frames, 2 s, a keyframe
    a second; `large`: h264 of another size.
    """
    folder = tmp_path_factory.mktemp("clips")
    return {
        "h264": make_video(folder / "h264.mp4", "h264", 50),
        "hevc": make_video(folder / "hevc.mp4", "hevc", 50, b_frames=2),
        "reordered": make_video(folder / "reordered.mp4", "h264", 50, b_frames=2),
        "large": make_video(folder / "large.mp4", "h264", 50, width=640, height=480),
    }


def make_camera(url: str, transport: str = "tcp", camera_id: str = "gate") -> Camera:
    where = {"lon": 1, "lat": 2}
    entry: dict[str, object] = {
        "id": camera_id,
        "name": "gate",
        "class": "A",
        "area": "a",
        "location": where,
        "url": url,
    }
    entry["transport"] = transport
    return Camera.model_validate(entry)


def streamer_of(camera: Camera, fanout: Fanout, clock: Clock) -> Streamer:
    """Return a streamer of a camera without a password."""
    settings = Settings()
    return Streamer(camera, RtspSource(camera, None, NETWORKS, settings), fanout, settings, clock)


@dataclass
class Pull:
    """The packets of one connection, and how it ended."""

    packets: list[Packet] = field(default_factory=list)
    audio: list[AudioPacket] = field(default_factory=list)
    error: Exception | None = None


class Collector:
    """Collects a connection's packets, up to `most`, and notes its end."""

    def __init__(self, most: int) -> None:
        self.got = Pull()
        self.is_enough, self.is_over = threading.Event(), threading.Event()
        self._most = most

    @property
    def has_waiting_consumer(self) -> bool:
        return True

    @property
    def may_need_packets_soon(self) -> bool:
        return True

    def on_packets(self, received: list[PacketOrBatch]) -> None:
        self.got.packets += list(single_packets(received))[: self._most - len(self.got.packets)]
        if len(self.got.packets) >= self._most:
            self.is_enough.set()

    def on_audio(self, packets: list[AudioPacket]) -> None:
        self.got.audio += packets

    def ended(self, error: Exception | None) -> None:
        if not self.is_enough.is_set():
            self.got.error = error
        self.is_over.set()

    def failed(self, error: Exception) -> None:
        self.ended(error)


NEVER_S = 1800.0
"""A timeout that no test waits for: what ends under it was ended by something else, or by a
clock set forward.
"""
WATCHDOG = LibavWatchdog()
"""All loops of this process share it."""
WATCHDOG_THREAD = "libav watchdog"
"""The thread that ends connections of libavformat."""
Puller = Callable[..., Pull]
MakeSource = Callable[..., RtspSource]


class Pulling:
    """A connection that is being pulled, in a loop of its own, on a clock that the test adjusts."""

    def __init__(self, source: RtspSource, most: int, clock: AdjustedClock) -> None:
        self.clock = clock
        self.loop = PullLoop(self.clock, WATCHDOG)
        self.collector = Collector(most)
        self._source = source

    @property
    def got(self) -> Pull:
        return self.collector.got

    @property
    def is_over(self) -> bool:
        return self.collector.is_over.is_set()

    def start(self) -> None:
        self.loop.start()
        self.loop.call(self.collector, lambda: self._source.open(self.loop, self.collector))

    def stop(self) -> None:
        """Close the connection, and wait until it is over."""
        self.loop.call(self.collector, self._source.close)
        self.wait_end()

    def close(self) -> None:
        self.loop.stop()
        self.loop.join()

    @property
    def is_by_libavformat(self) -> bool:
        return bool(self.clock.reads[WATCHDOG_THREAD])

    def wait_packets(self, sent: int) -> None:
        """Wait until everything that the camera sent has arrived. libavformat returns a packet only
        when the next one arrives.
        """
        wait_for(f"{sent} packets", lambda: len(self.got.packets) >= sent - self.is_by_libavformat)

    def assert_ends_at_the_timeout(self) -> None:
        """The connection, which receives nothing more, ends once `NEVER_S` has passed, and not
        earlier.
        """
        wait_passes(self.loop)  # what has come is noted with its time
        self.clock.advance(0.9 * NEVER_S)
        self._wait_looked()
        assert not self.is_over
        self.clock.advance(0.1 * NEVER_S)
        self.wait_end()

    def wait_end(self) -> None:
        wait_event("end of the connection", self.collector.is_over)

    def _wait_looked(self) -> None:
        """Wait until whatever ends silent connections has looked at the clock since this call."""
        wait_passes(self.loop)
        before = self.clock.reads[WATCHDOG_THREAD]
        if self.is_by_libavformat:
            wait_for("look", lambda: self.clock.reads[WATCHDOG_THREAD] >= before + 3)


@contextmanager
def pulling(
    source: RtspSource, most: int = 100_000, clock: AdjustedClock | None = None
) -> Iterator[Pulling]:
    one = Pulling(source, most, clock or AdjustedClock())
    one.start()
    try:
        yield one
    finally:
        try:
            one.stop()
        finally:
            one.close()


def wait_passes(loop: PullLoop) -> None:
    """Wait until `loop` has made a whole pass that began after this call."""

    class Caller:
        def failed(self, error: Exception) -> None:
            raise error

    for _ in range(2):
        passed = threading.Event()
        loop.call(Caller(), passed.set)
        wait_event("pass of the loop", passed)


def assert_silence_ends_at_the_timeout(source: RtspSource, fall_silent: Callable[[], int]) -> Pull:
    """Let the camera stop after it sent `fall_silent()` packets: `source` ends once `NEVER_S`
    has passed, and no sooner.
    """
    with pulling(source) as pull:
        wait_for("five packets", lambda: len(pull.got.packets) >= 5)
        pull.wait_packets(fall_silent())
        pull.assert_ends_at_the_timeout()
    return pull.got


@pytest.fixture
def source_of() -> MakeSource:
    def make(
        url: str,
        transport: str = "tcp",
        credentials: Credentials | None = None,
        timeout_s: float = NEVER_S,
        udp_ports: tuple[int, int] = (40_000, 59_999),
    ) -> RtspSource:
        """`transport` may be `libavformat`: TCP, by that reader."""
        reader = RtspReader.LIBAVFORMAT if transport == "libavformat" else RtspReader.OWN
        camera = make_camera(url, "tcp" if transport == "libavformat" else transport)
        first, last = udp_ports
        settings = Settings(rtsp_reader=reader, udp_port_first=first, udp_port_last=last)
        settings = settings.model_copy(
            update={"source_timeout_s": timeout_s}
        )  # a site may not wait for so long
        return RtspSource(camera, credentials, NETWORKS, settings)

    return make


@pytest.fixture
def pull() -> Puller:
    """Pulls until the end or until `most` packets."""

    def run(source: RtspSource, most: int = 100_000) -> Pull:
        with pulling(source, most) as one:
            wait_for(
                "end or enough packets", lambda: one.is_over or one.collector.is_enough.is_set()
            )
        return one.got

    return run


@pytest.fixture
def camera_of() -> Callable[..., Camera]:
    return make_camera


@pytest.fixture
def networks() -> Networks:
    return NETWORKS
