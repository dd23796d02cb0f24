"""A current picture of a camera with a slow decoder, and of one that delivers none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from domain.clock import SystemClock
from domain.errors import NodeOffline, NotFound
from domain.media.fanout import Fanout
from domain.media.live_detections import DetectionFeed
from domain.media.packets import Frame
from ingest.live.tap import LiveTap
from sightline.live_process import _first_frame
from storage.recordings.pictures import jpeg_of
from tests.recorded import B_FRAMES, HEIGHT_PX, PLAIN, WIDTH_PX, Material, packets_of
from tests.waiting import wait_for

CLOCK = SystemClock()
MOST_DIFFERENCE = 4.0
"""Of the brightness of a colour, from 0 to 255, in the mean of all pixels."""


@contextmanager
def _no_detections(camera_id: str) -> Iterator[DetectionFeed]:
    yield DetectionFeed()


@contextmanager
def _worker(socket: Path, fanout: Fanout) -> Iterator[None]:
    @contextmanager
    def watching(camera_id: str) -> Iterator[Fanout]:
        if camera_id != "cam-1":
            raise NotFound(f"no camera {camera_id}")
        yield fanout

    stop = threading.Event()
    tap = LiveTap(socket, watching, _no_detections)
    thread = threading.Thread(target=tap.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        tap.wake()
        thread.join()


@pytest.mark.parametrize("material", [PLAIN, B_FRAMES], ids=["plain", "b-frames"])
def test_a_picture_comes_from_the_packets_held(tmp_path: Path, material: Material) -> None:
    fanout = Fanout()
    for packet in packets_of(material)[:20]:
        fanout.put(packet)
    with _worker(tmp_path / "socket", fanout):
        frame = wait_for("a frame", lambda: _frame_if_served(tmp_path / "socket"))
    assert (frame.width_px, frame.height_px) == (WIDTH_PX, HEIGHT_PX)
    shown = cv2.imdecode(np.frombuffer(jpeg_of(frame.bgr), np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert shown.shape == frame.bgr.shape
    assert np.abs(shown.astype(int) - frame.bgr).mean() < MOST_DIFFERENCE


def _frame_if_served(socket: Path) -> Frame | None:
    try:
        return _first_frame(socket, "cam-1", CLOCK)
    except NodeOffline:
        return None


def test_a_dead_worker_is_reported(tmp_path: Path) -> None:
    with pytest.raises(NodeOffline):
        _first_frame(tmp_path / "absent", "cam-1", CLOCK)
