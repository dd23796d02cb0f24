"""The live sources of a node: each pulls one watched stream from its worker, once for any number of
consumers.

A consumer makes of the packets what a kind of player needs. `fragment_streams.py` makes fragments
for Media Source Extensions; a WebRTC packetiser would be another consumer of the same source. The
sound of a camera is a source of its own, which is pulled while it has listeners. A source holds the
packets since the newest keyframe, and each new consumer receives these first. It continues for a
grace time after the last viewer, so that a view which is opened again starts at once. A camera on
demand is pulled for as long as its source runs.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from domain.clock import Clock
from domain.errors import NodeOffline, NotFound, SightlineError, SourceTimeout, StoreError
from domain.media.held_gop import HeldGop, MemoryLimit
from domain.media.packets import AudioPacket, Packet
from domain.media.viewer_metrics import LIVE_STREAMS
from domain.messages.message import Message
from ingest.live.client import live_packets, live_sound
from ingest.live.wire import SOUND_SUFFIX

_log = logging.getLogger(__name__)
SILENCE_S = 8.0
_NO_SOUND = "camera {camera} gives no sound for {silence_s} s"
_NO_VIDEO = "camera {camera} gives no video for {silence_s} s"
"""A stream without a packet for this long has ended for its viewers."""
_RETRY_S = 0.25


class PacketConsumer(Protocol):
    """Receives every packet of a source, in the source's thread, and therefore must never block."""

    def put(self, packet: Packet | AudioPacket, /) -> None: ...

    def end(self, error: SightlineError, /) -> None: ...


@dataclass(frozen=True, slots=True)
class LiveLimits:
    """The limits of the live sources of a node."""

    memory_bytes: int
    grace_s: float
    """How long a source continues after its last viewer."""
    max_streams: int


class LiveSource:
    """One pull of one stream. Thread-safe."""

    def __init__(self, stream: str, bound: MemoryLimit) -> None:
        self.stream = stream
        """The camera's id, `<id>/sub`, or `<id>/sound`."""
        self.viewers = 0
        self.left_s = 0.0
        """When the last viewer left, in monotonic time."""
        self.stop = threading.Event()
        self._lock = threading.Lock()
        self._held: HeldGop[Packet | AudioPacket] = HeldGop(bound)
        self._consumers: tuple[PacketConsumer, ...] = ()
        self._error: SightlineError | None = None

    def attach(self, consumer: PacketConsumer) -> None:
        """Give the consumer the held packets, and then every further packet."""
        with self._lock:
            for packet in self._held.items:
                consumer.put(packet)
            self._consumers = (*self._consumers, consumer)
            if self._error is not None:
                consumer.end(self._error)

    def detach(self, consumer: PacketConsumer) -> None:
        with self._lock:
            self._consumers = tuple(one for one in self._consumers if one is not consumer)

    def put(self, packet: Packet | AudioPacket) -> None:
        with self._lock:
            is_idle = self.viewers == 0
            self._held.put(packet, packet.size_bytes, packet.is_keyframe, is_idle)
            for consumer in self._consumers:
                consumer.put(packet)

    def forget(self) -> None:
        """Free the held packets, which are no longer live video."""
        with self._lock:
            self._held.clear()

    def end(self, error: SightlineError) -> None:
        with self._lock:
            self._held.clear()
            self._error = error
            for consumer in self._consumers:
                consumer.end(error)


class LiveSources:
    """The sources of a node by stream. Thread-safe.

    `locate` returns the socket of the worker that pulls a camera; it raises NotFound. `explain`
    returns why a camera gives no video, or an empty text.
    """

    def __init__(
        self,
        locate: Callable[[str], Path],
        explain: Callable[[str], str],
        limits: LiveLimits,
        clock: Clock,
    ) -> None:
        self._locate = locate
        self._explain = explain
        self._limits = limits
        self._clock = clock
        self.bound = MemoryLimit(limits.memory_bytes)
        self._lock = threading.Lock()
        self._sources: dict[str, LiveSource] = {}

    @contextmanager
    def watching(self, stream: str) -> Iterator[LiveSource]:
        """Yield the source of a stream for a viewer. It is started if it does not run yet.

        Raises StoreError if the node has too many sources.
        """
        source = self._enter(stream)
        try:
            yield source
        finally:
            with self._lock:
                source.viewers -= 1
                source.left_s = self._clock.monotonic_s()

    def stop(self) -> None:
        """Begin to stop all sources."""
        with self._lock:
            for source in self._sources.values():
                source.stop.set()

    def _enter(self, stream: str) -> LiveSource:
        with self._lock:
            source = self._sources.get(stream)
            if source is None:
                self._make_room()
                source = self._sources[stream] = LiveSource(stream, self.bound)
                LIVE_STREAMS.set(len(self._sources))
                threading.Thread(
                    target=self._run, args=(source,), name=f"live {stream}", daemon=True
                ).start()
            source.viewers += 1
            return source

    def _make_room(self) -> None:
        """End the source that has had no viewer for the longest time if there are too many."""
        if len(self._sources) < self._limits.max_streams:
            return
        idle = [one for one in self._sources.values() if one.viewers == 0]
        if not idle:
            raise StoreError(
                "this node sends {max_streams} live streams already; close "
                "one, or raise SIGHTLINE_LIVE_STREAMS_PER_NODE",
                max_streams=self._limits.max_streams,
            )
        self._remove(min(idle, key=lambda one: one.left_s))

    def _remove(self, source: LiveSource) -> None:
        source.stop.set()
        if self._sources.get(source.stream) is source:
            del self._sources[source.stream]
            LIVE_STREAMS.set(len(self._sources))

    def _run(self, source: LiveSource) -> None:
        try:
            _Pull(source, self, self._locate, self._explain, self._clock).run()
        except SightlineError as error:
            self._end(source, error)
        except Exception as error:
            self._end(
                source,
                StoreError("a software fault of Sightline: {kind}", kind=type(error).__name__),
            )
            raise
        finally:
            source.forget()
            with self._lock:
                self._remove(source)

    def _end(self, source: LiveSource, error: SightlineError) -> None:
        """End the source for its viewers. The next viewer starts another one."""
        with self._lock:
            self._remove(source)
        source.end(error)

    def end_if_idle(self, source: LiveSource) -> None:
        """End a source whose grace time is over."""
        with self._lock:
            idle_s = self._clock.monotonic_s() - source.left_s
            if source.viewers == 0 and idle_s >= self._limits.grace_s:
                self._remove(source)


class _Pull:
    """Pulls the packets of one source until it is stopped."""

    def __init__(
        self,
        source: LiveSource,
        sources: LiveSources,
        locate: Callable[[str], Path],
        explain: Callable[[str], str],
        clock: Clock,
    ) -> None:
        self._source = source
        self._sources = sources
        self._locate = locate
        self._explain = explain
        self._clock = clock
        self._camera_id = source.stream.partition("/")[0]
        self._last_packet_s = clock.monotonic_s()
        self._has_begun = False

    def run(self) -> None:
        """Raises NotFound for a stream that does not exist, NodeOffline if its worker does not
        answer, and SourceTimeout if it sends nothing.

        The worker may be replaced meanwhile. The pull then continues from the next worker.
        """
        while not self._source.stop.is_set():
            try:
                self._pull_once()
            except (NotFound, NodeOffline) as error:
                is_final = isinstance(error, NotFound) and not self._has_begun
                if is_final or self._silent_s() >= SILENCE_S:
                    raise
                _log.debug("%s: the pull starts again: %s", self._source.stream, error)
            self._source.forget()
            self._check()
            self._clock.wait(self._source.stop, _RETRY_S)

    def _pull_once(self) -> None:
        source = self._source
        path = self._locate(self._camera_id)
        for packet in self._packets(path):
            self._last_packet_s, self._has_begun = self._clock.monotonic_s(), True
            source.put(packet)
            if source.viewers == 0:
                self._sources.end_if_idle(source)

    def _packets(self, path: Path) -> Iterator[Packet] | Iterator[AudioPacket]:
        source = self._source
        if source.stream.endswith(SOUND_SUFFIX):
            return live_sound(path, self._camera_id, source.stop, self._check)
        return live_packets(path, source.stream, source.stop, self._check)

    def _check(self) -> None:
        """Raises SourceTimeout after a silence of the camera."""
        self._sources.end_if_idle(self._source)
        if self._silent_s() >= SILENCE_S and not self._source.stop.is_set():
            reason = self._explain(self._camera_id)
            silence = Message(
                _NO_SOUND if self._source.stream.endswith(SOUND_SUFFIX) else _NO_VIDEO,
                camera=self._camera_id,
                silence_s=SILENCE_S,
            )
            if not reason:
                raise SourceTimeout(silence)
            raise SourceTimeout("{silence}: {reason}", silence=silence, reason=Message(reason))

    def _silent_s(self) -> float:
        return self._clock.monotonic_s() - self._last_packet_s
