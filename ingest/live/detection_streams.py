"""The detections of a node's checkpoints for people who watch them live: each camera's are
received from its worker once, for all viewers, and only while there is one.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from domain.clock import Clock
from domain.errors import NodeOffline, NotFound, SightlineError, StoreError
from domain.media.live_detections import DetectionFeed, DetectionQueue, LiveDetections
from ingest.live.client import live_detections

_log = logging.getLogger(__name__)
_RETRY_S = 0.5
RETRIES = 20
"""How often a worker that does not answer is tried again: it may be replaced."""


@dataclass(eq=False)
class _Stream:
    """The detections of one camera."""

    camera_id: str
    feed: DetectionFeed = field(default_factory=DetectionFeed)
    stop: threading.Event = field(default_factory=threading.Event)
    error: SightlineError | None = None
    """Why the stream ended; None while it continues."""
    viewers: int = 0


class DetectionReceiver:
    """What one viewer of a camera's detections receives. Only its event loop may use it."""

    def __init__(self, stream: _Stream, queue: DetectionQueue) -> None:
        self._stream = stream
        self._queue = queue

    def take(self) -> list[LiveDetections]:
        """Return what waits. Raises the error with which the stream has ended."""
        waiting = self._queue.take()
        if not waiting and self._stream.error is not None:
            raise self._stream.error
        return waiting


class DetectionStreams:
    """The detections of a node by camera. Only one event loop may use it."""

    def __init__(self, locate: Callable[[str], Path], most: int, clock: Clock) -> None:
        """`locate` returns the socket of the worker that pulls a camera; it raises NotFound. `most`
        is how many cameras may be watched at a time.
        """
        self._locate = locate
        self._most = most
        self._clock = clock
        self._streams: dict[str, _Stream] = {}

    @contextmanager
    def watch(self, camera_id: str, ready: asyncio.Event) -> Iterator[DetectionReceiver]:
        """Yield the detections of a camera. `ready` is set when there is something to take.

        Raises StoreError if the node has too many streams.
        """
        stream = self._streams.get(camera_id) or self._add(camera_id)
        loop = asyncio.get_running_loop()
        queue = DetectionQueue("api", partial(_set_in_loop, loop, ready))
        stream.viewers += 1
        stream.feed.join(queue)
        if stream.viewers == 1:
            self._start(stream, loop)
        elif stream.error is not None:
            ready.set()
        try:
            yield DetectionReceiver(stream, queue)
        finally:
            stream.feed.leave(queue)
            stream.viewers -= 1
            if stream.viewers == 0:
                stream.stop.set()
                self._forget(stream)

    def _add(self, camera_id: str) -> _Stream:
        if len(self._streams) >= self._most:
            raise StoreError(
                "this node sends the detections of {most} cameras already; "
                "close one, or raise SIGHTLINE_LIVE_STREAMS_PER_NODE",
                most=self._most,
            )
        stream = self._streams[camera_id] = _Stream(camera_id)
        return stream

    def _start(self, stream: _Stream, loop: asyncio.AbstractEventLoop) -> None:
        """Start the pull of a stream. Its first viewer has joined, so that it misses nothing."""
        name = f"detections {stream.camera_id}"
        threading.Thread(target=self._run, args=(stream, loop), name=name, daemon=True).start()

    def _forget(self, stream: _Stream) -> None:
        if self._streams.get(stream.camera_id) is stream:
            del self._streams[stream.camera_id]

    def _run(self, stream: _Stream, loop: asyncio.AbstractEventLoop) -> None:
        try:
            self._pull(stream)
        except SightlineError as error:
            stream.error = error
        except Exception as error:
            stream.error = StoreError(
                "a software fault of Sightline: {kind}", kind=type(error).__name__
            )
            raise
        finally:
            if not stream.stop.is_set():
                loop.call_soon_threadsafe(self._forget, stream)
            stream.feed.end()

    def _pull(self, stream: _Stream) -> None:
        """Raises NotFound for a camera that is no checkpoint, and NodeOffline if its worker does
        not answer for a while. A worker that ends is replaced.
        """
        failures, has_begun = 0, False
        while not stream.stop.is_set():
            try:
                path = self._locate(stream.camera_id)
                for detections in live_detections(path, stream.camera_id, stream.stop):
                    failures, has_begun = 0, True
                    stream.feed.put(detections)
            except (NotFound, NodeOffline) as error:
                failures += 1
                if failures > RETRIES or (isinstance(error, NotFound) and not has_begun):
                    raise
                _log.debug("%s: detections are requested again: %s", stream.camera_id, error)
            self._clock.wait(stream.stop, _RETRY_S)


def _set_in_loop(loop: asyncio.AbstractEventLoop, ready: asyncio.Event) -> None:
    loop.call_soon_threadsafe(ready.set)
