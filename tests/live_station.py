"""The live tap of a worker whose packets a test puts, and the live streams of a node of tests."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.clock import SystemClock
from domain.errors import NotFound
from domain.media.fanout import Fanout
from domain.media.live_detections import DetectionFeed
from domain.paths.data_layout import Layout
from domain.paths.local_sockets import address_of
from ingest.live.detection_streams import DetectionStreams
from ingest.live.fragment_streams import FragmentStreams
from ingest.live.source import LiveLimits, LiveSources
from ingest.live.tap import LiveTap
from tests.waiting import wait_for

GRACE_S = 0.1
"""Each test waits until its pulls have ended."""


class Station:
    """The streams of a worker, and how many watch each."""

    def __init__(self, *streams: str) -> None:
        self.fanouts = {stream: Fanout() for stream in streams or ("gate",)}
        self.detections = DetectionFeed()
        """The detections of the first stream's camera."""
        self.watchers: Counter[str] = Counter()

    @property
    def fanout(self) -> Fanout:
        """The first stream."""
        return next(iter(self.fanouts.values()))

    @contextmanager
    def watching(self, stream: str) -> Iterator[Fanout]:
        if stream not in self.fanouts:
            raise NotFound(f"no camera {stream} here")
        self.watchers[stream] += 1
        try:
            yield self.fanouts[stream]
        finally:
            self.watchers[stream] -= 1

    @contextmanager
    def watching_detections(self, camera_id: str) -> Iterator[DetectionFeed]:
        if camera_id != next(iter(self.fanouts)):
            raise NotFound(f"camera {camera_id} is no checkpoint")
        yield self.detections


def detection_streams(layout: Layout, worker: int = 0) -> DetectionStreams:
    """Return the live detections of a node whose cameras are all pulled by one worker."""
    return DetectionStreams(lambda _: layout.live_socket(worker), 8, SystemClock())


def live_streams(layout: Layout, worker: int = 0) -> FragmentStreams:
    """Return the live streams of a node whose cameras are all pulled by one worker."""
    clock = SystemClock()
    limits = LiveLimits(64 << 20, GRACE_S, 8)
    sources = LiveSources(lambda _: layout.live_socket(worker), lambda _: "", limits, clock)
    return FragmentStreams(sources, clock)


@contextmanager
def tapped(path: Path, station: Station) -> Iterator[None]:
    """Serve the camera on the socket at `path`."""
    stop = threading.Event()
    tap = LiveTap(path, station.watching, station.watching_detections)
    thread = threading.Thread(target=tap.run, args=(stop,))
    thread.start()
    wait_for("tap", lambda: answers(path))
    try:
        yield
    finally:
        stop.set()
        tap.wake()
        thread.join()


def answers(path: Path) -> bool:
    if not path.exists():
        return False
    with socket.socket(socket.AF_UNIX) as probe, address_of(path) as address:
        return probe.connect_ex(address) == 0
