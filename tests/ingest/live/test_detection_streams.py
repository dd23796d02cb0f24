"""Detections from a worker to the viewers of a node: received once, and only while one watches."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from domain.clock import SystemClock
from domain.errors import NotFound, StoreError
from domain.media.live_detections import LiveDetection, LiveDetections
from ingest.live.client import live_detections
from ingest.live.detection_streams import DetectionReceiver, DetectionStreams
from tests.live_station import Station, tapped
from tests.waiting import PATIENCE_S, wait_event, wait_for

FACE = LiveDetection(kind="face", track=1, box=(0.1, 0.1, 0.2, 0.2), confidence=0.8)


def shown_at(wall_ns: int) -> LiveDetections:
    return LiveDetections(wall_ns=wall_ns, items=(FACE,))


def streams_of(path: Path, most: int = 4) -> DetectionStreams:
    return DetectionStreams(lambda _: path, most, SystemClock())


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await work()

    asyncio.run(limited())


async def taken(
    waiting: DetectionReceiver, ready: asyncio.Event, count: int
) -> list[LiveDetections]:
    found: list[LiveDetections] = []
    while len(found) < count:
        await ready.wait()
        ready.clear()
        found += waiting.take()
    return found


def test_a_client_receives_detections_until_it_stops(tmp_path: Path) -> None:
    station, stop = Station("gate"), threading.Event()
    with tapped(tmp_path / "w.sock", station):
        received = live_detections(tmp_path / "w.sock", "gate", stop)

        def put() -> None:
            wait_for("the client", lambda: station.detections.is_watched)
            station.detections.put(shown_at(7))

        putter = threading.Thread(target=put)
        putter.start()
        assert next(received) == shown_at(7)
        putter.join()
        stop.set()
        assert list(received) == []
        wait_for("the end", lambda: not station.detections.is_watched)


def test_two_viewers_share_one_stream_and_without_them_there_is_none(tmp_path: Path) -> None:
    station = Station("gate")

    async def work() -> None:
        streams = streams_of(tmp_path / "w.sock")
        ready, also_ready = asyncio.Event(), asyncio.Event()
        with streams.watch("gate", ready) as one, streams.watch("gate", also_ready) as other:
            await asyncio.to_thread(
                wait_for, "the pull", lambda: len(station.detections._queues) == 1
            )
            for number in range(5):
                station.detections.put(shown_at(number))
            expected = [shown_at(number) for number in range(5)]
            assert await taken(one, ready, 5) == expected
            assert await taken(other, also_ready, 5) == expected
        await asyncio.to_thread(wait_for, "the end", lambda: not station.detections.is_watched)

    with tapped(tmp_path / "w.sock", station):
        run(work)


def test_the_first_viewer_misses_nothing_where_its_thread_is_held_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, was_put = threading.Thread.start, threading.Event()

    def one_message(_path: Path, _id: str, stop: threading.Event) -> Iterator[LiveDetections]:
        yield shown_at(7)
        was_put.set()
        stop.wait()

    def start_and_be_held_up(thread: threading.Thread) -> None:
        start(thread)
        if thread.name == "detections gate":
            wait_event("message", was_put)

    async def work() -> None:
        ready = asyncio.Event()
        with streams_of(tmp_path / "w.sock").watch("gate", ready) as waiting:
            assert await taken(waiting, ready, 1) == [shown_at(7)]

    monkeypatch.setattr("ingest.live.detection_streams.live_detections", one_message)
    monkeypatch.setattr(threading.Thread, "start", start_and_be_held_up)
    run(work)


def test_a_camera_that_is_no_checkpoint_is_reported(tmp_path: Path) -> None:
    async def work() -> None:
        ready = asyncio.Event()
        with streams_of(tmp_path / "w.sock").watch("street", ready) as waiting:
            await ready.wait()
            with pytest.raises(NotFound, match="street is no checkpoint"):
                waiting.take()

    with tapped(tmp_path / "w.sock", Station("gate")):
        run(work)


def test_a_camera_that_is_replaced_continues(tmp_path: Path) -> None:
    station = Station("gate")

    async def work() -> None:
        ready = asyncio.Event()
        with streams_of(tmp_path / "w.sock").watch("gate", ready) as waiting:
            former = station.detections
            await asyncio.to_thread(wait_for, "the pull", lambda: former.is_watched)
            former.put(shown_at(1))
            assert await taken(waiting, ready, 1) == [shown_at(1)]
            station.detections = type(former)()
            former.end()
            await asyncio.to_thread(wait_for, "another pull", lambda: station.detections.is_watched)
            station.detections.put(shown_at(2))
            assert await taken(waiting, ready, 1) == [shown_at(2)]

    with tapped(tmp_path / "w.sock", station):
        run(work)


def test_streams_are_limited(tmp_path: Path) -> None:
    async def work() -> None:
        streams = streams_of(tmp_path / "w.sock", most=1)
        with ExitStack() as stack:
            stack.enter_context(streams.watch("gate", asyncio.Event()))
            with pytest.raises(StoreError, match="SIGHTLINE_LIVE_STREAMS_PER_NODE"):
                stack.enter_context(streams.watch("school", asyncio.Event()))

    with tapped(tmp_path / "w.sock", Station("gate")):
        run(work)
