"""The live channels of an API process: each reads one stream from its node, once for all viewers of
this process.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field

from anyio import CancelScope, to_thread

from api.access.api_context import ApiContext
from api.cameras.cameras import holder
from domain.errors import SightlineError, StoreError
from domain.media.held_gop import MemoryLimit
from domain.media.live_stream import LiveBroadcast, LiveQueue


@dataclass(slots=True)
class _Channel:
    camera_id: str
    is_sub: bool
    broadcast: LiveBroadcast
    task: asyncio.Task[None] | None = None
    """The task that reads the stream; the event loop keeps no strong reference to it."""
    reading: CancelScope = field(default_factory=CancelScope)
    """It is cancelled when the last viewer has left. A cancelled task could leave its connection
    open, because httpcore and the client of the node shield what they close from scopes only.
    """


class LiveSubscription:
    """The queue of one viewer in a channel. The viewer closes it."""

    def __init__(self, channels: LiveChannels, channel: _Channel, queue: LiveQueue) -> None:
        self.queue = queue
        self.is_sub = channel.is_sub
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
        self._channels: dict[tuple[str, bool], _Channel] = {}

    def join(
        self, camera_id: str, is_sub: bool, ready: asyncio.Event, from_held: bool = True
    ) -> LiveSubscription:
        """Add a viewer to a channel, which is opened if there is none."""
        channel = self._channels.get((camera_id, is_sub)) or self._open(camera_id, is_sub)
        return LiveSubscription(self, channel, channel.broadcast.join(ready, from_held))

    def leave(self, channel: _Channel, queue: LiveQueue) -> None:
        channel.broadcast.leave(queue)
        if channel.broadcast.viewers == 0:
            self._forget(channel)
            channel.broadcast.close()
            channel.reading.cancel()

    def _open(self, camera_id: str, is_sub: bool) -> _Channel:
        broadcast = LiveBroadcast(self._context.clock, self._limit)
        channel = self._channels[camera_id, is_sub] = _Channel(camera_id, is_sub, broadcast)
        name = f"live {camera_id}{'/sub' if is_sub else ''}"
        channel.task = asyncio.create_task(self._read(channel), name=name)
        return channel

    def _forget(self, channel: _Channel) -> None:
        """Remove a channel, so that the next viewer opens another one."""
        key = (channel.camera_id, channel.is_sub)
        if self._channels.get(key) is channel:
            del self._channels[key]

    async def _read(self, channel: _Channel) -> None:
        try:
            with channel.reading:
                await self._distribute(channel)
        except SightlineError as error:
            self._end(channel, error)
        except Exception as error:
            self._end(channel, StoreError(f"a software fault: {type(error).__name__}"))
            raise

    async def _distribute(self, channel: _Channel) -> None:
        lease = await to_thread.run_sync(holder, self._context, channel.camera_id)
        stream = self._client.fragments(
            lease.node_api_url, lease.node, channel.camera_id, channel.is_sub
        )
        async with aclosing(stream):
            async for fragments in stream:
                for fragment in fragments:
                    channel.broadcast.put(fragment)

    def _end(self, channel: _Channel, error: SightlineError) -> None:
        self._forget(channel)
        channel.broadcast.end(error)
