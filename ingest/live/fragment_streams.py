"""The fragment streams of a node: each makes the fragments of one live source, once for all
viewers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from domain.clock import Clock
from domain.errors import DataLoss, SightlineError, SourceUnsupported
from domain.media.live_stream import LiveBroadcast, LiveFragment, LiveQueue, LiveStreamName
from domain.media.packets import AudioPacket, Packet
from domain.media.viewer_metrics import LIVE_PACKETS_NOT_SENT, LIVE_SKIPPED
from ingest.live.fragmenter import Fragmenter
from ingest.live.sound_fragmenter import SoundFragmenter
from ingest.live.source import LiveSource, LiveSources


class FragmentStream:
    """A consumer of a live source: makes fragments in the source's thread, and distributes them in
    the event loop.
    """

    def __init__(self, broadcast: LiveBroadcast, loop: asyncio.AbstractEventLoop) -> None:
        self.broadcast = broadcast
        self._loop = loop
        self._pictures, self._sound = Fragmenter(), SoundFragmenter()
        self._has_ended = False

    def put(self, packet: Packet | AudioPacket) -> None:
        if self._has_ended:
            return
        try:
            fragment = self._fragment(packet)
        except DataLoss as error:
            self.end(SourceUnsupported(error.message))
            return
        if fragment is None:
            LIVE_PACKETS_NOT_SENT.labels(packet.stream.camera_id).inc()
        else:
            self._in_loop(fragment)

    def _fragment(self, packet: Packet | AudioPacket) -> LiveFragment | None:
        if isinstance(packet, AudioPacket):
            return self._sound.fragment(packet)
        return self._pictures.fragment(packet)

    def end(self, error: SightlineError) -> None:
        self._has_ended = True
        self._loop.call_soon_threadsafe(self.broadcast.end, error)

    def _in_loop(self, fragment: LiveFragment) -> None:
        self._loop.call_soon_threadsafe(self.broadcast.put, fragment)


class FragmentStreams:
    """The fragment streams of a node by source. Only one event loop may use it."""

    def __init__(self, sources: LiveSources, clock: Clock) -> None:
        self._sources = sources
        self._clock = clock
        self._streams: dict[LiveSource, FragmentStream] = {}

    @asynccontextmanager
    async def watch(
        self, camera_id: str, stream_name: LiveStreamName, ready: asyncio.Event
    ) -> AsyncIterator[LiveQueue]:
        """Yield the queue of a new viewer, which begins with the held fragments. `ready` is set
        when there is something to take.

        Raises StoreError if the node has too many streams.
        """
        name = camera_id if stream_name == "main" else f"{camera_id}/{stream_name}"
        with self._sources.watching(name) as source:
            stream = self._streams.get(source) or self._start(source)
            queue = stream.broadcast.join(ready)
            try:
                yield queue
            finally:
                self._leave(source, queue)
                LIVE_SKIPPED.labels(camera_id, "api").inc(queue.skipped)

    def _start(self, source: LiveSource) -> FragmentStream:
        broadcast = LiveBroadcast(self._clock, self._sources.bound)
        stream = FragmentStream(broadcast, asyncio.get_running_loop())
        self._streams[source] = stream
        source.attach(stream)
        return stream

    def _leave(self, source: LiveSource, queue: LiveQueue) -> None:
        stream = self._streams[source]
        stream.broadcast.leave(queue)
        if stream.broadcast.viewers == 0:
            source.detach(stream)
            stream.broadcast.close()
            del self._streams[source]
