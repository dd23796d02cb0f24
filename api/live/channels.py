"""The live channels of an API process: each reads one stream from its node, once for all viewers of
this process.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from anyio import to_thread

from api.access.api_context import ApiContext
from api.cameras.cameras import holder
from api.live.node_reading import NodeReading
from domain.errors import SightlineError
from domain.media.held_gop import MemoryLimit
from domain.media.live_stream import LiveBroadcast, LiveQueue, LiveStreamName


@dataclass(slots=True)
class _Channel:
    camera_id: str
    stream: LiveStreamName
    broadcast: LiveBroadcast
    reading: NodeReading | None = None


class LiveSubscription:
    """The queue of one viewer in a channel. The viewer closes it."""

    def __init__(self, channels: LiveChannels, channel: _Channel, queue: LiveQueue) -> None:
        self.queue = queue
        self.is_sub = channel.stream == "sub"
        self._channels = channels
        self._channel = channel

    def close(self) -> None:
        self._channels.leave(self._channel, self.queue)


class LiveChannels:
    """The channels of one app by camera and stream. Only its event loop may use it."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        self._client = context.node_client.live_client()
        self._limit = MemoryLimit(round(context.settings.live_memory_mb * 1_000_000))
        self._channels: dict[tuple[str, LiveStreamName], _Channel] = {}

    def join(
        self,
        camera_id: str,
        stream: LiveStreamName,
        ready: asyncio.Event,
        from_held: bool = True,
    ) -> LiveSubscription:
        """Add a viewer to a channel, which is opened if there is none."""
        channel = self._channels.get((camera_id, stream)) or self._open(camera_id, stream)
        return LiveSubscription(self, channel, channel.broadcast.join(ready, from_held))

    def leave(self, channel: _Channel, queue: LiveQueue) -> None:
        channel.broadcast.leave(queue)
        if channel.broadcast.viewers == 0:
            self._forget(channel)
            channel.broadcast.close()
            if channel.reading is not None:
                channel.reading.cancel()

    def _open(self, camera_id: str, stream: LiveStreamName) -> _Channel:
        broadcast = LiveBroadcast(self._context.clock, self._limit)
        channel = self._channels[camera_id, stream] = _Channel(camera_id, stream, broadcast)
        channel.reading = NodeReading(
            f"live {camera_id}/{stream}",
            partial(self._distribute, channel),
            partial(self._end, channel),
        )
        return channel

    def _forget(self, channel: _Channel) -> None:
        """Remove a channel, so that the next viewer opens another one."""
        key = (channel.camera_id, channel.stream)
        if self._channels.get(key) is channel:
            del self._channels[key]

    async def _distribute(self, channel: _Channel) -> None:
        lease = await to_thread.run_sync(holder, self._context, channel.camera_id)
        stream = self._client.fragments(
            lease.node_api_url, lease.node, channel.camera_id, channel.stream
        )
        async with aclosing(stream):
            async for fragments in stream:
                for fragment in fragments:
                    channel.broadcast.put(fragment)

    def _end(self, channel: _Channel, error: SightlineError) -> None:
        self._forget(channel)
        channel.broadcast.end(error)
