"""The live detections of an API process: each camera's are read from its node, once for all viewers
of this process who requested them, and only while there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial

from anyio import to_thread

from api.access.api_context import ApiContext
from api.cameras.cameras import holder
from api.live.node_reading import NodeReading
from domain.errors import SightlineError
from domain.media.live_detections import DetectionFeed, DetectionQueue, LiveDetections


@dataclass(eq=False)
class _Channel:
    camera_id: str
    feed: DetectionFeed = field(default_factory=DetectionFeed)
    error: SightlineError | None = None
    """Why the channel ended; None while it continues."""
    reading: NodeReading | None = None


class DetectionSubscription:
    """The detections that wait for one viewer. The viewer closes it."""

    def __init__(
        self, channels: DetectionChannels, channel: _Channel, queue: DetectionQueue
    ) -> None:
        self._channels = channels
        self._channel = channel
        self._queue = queue

    @property
    def error(self) -> SightlineError | None:
        """Why the detections ended; None while they continue."""
        return self._channel.error

    def take(self) -> list[LiveDetections]:
        """Return what waits, in order."""
        return self._queue.take()

    def close(self) -> None:
        self._channels.leave(self._channel, self._queue)


class DetectionChannels:
    """The channels of one app by camera. Only its event loop may use it."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        self._client = context.node_client.live_client()
        self._channels: dict[str, _Channel] = {}

    def join(self, camera_id: str, on_ready: Callable[[], None]) -> DetectionSubscription:
        """Add a viewer. `on_ready` is called when there is something to take, and at the end."""
        channel = self._channels.get(camera_id) or self._open(camera_id)
        queue = DetectionQueue("viewer", on_ready)
        channel.feed.join(queue)
        return DetectionSubscription(self, channel, queue)

    def leave(self, channel: _Channel, queue: DetectionQueue) -> None:
        channel.feed.leave(queue)
        if not channel.feed.is_watched:
            self._forget(channel)
            if channel.reading is not None:
                channel.reading.cancel()

    def _open(self, camera_id: str) -> _Channel:
        channel = self._channels[camera_id] = _Channel(camera_id)
        channel.reading = NodeReading(
            f"detections {camera_id}",
            partial(self._distribute, channel),
            partial(self._end, channel),
        )
        return channel

    def _forget(self, channel: _Channel) -> None:
        """Remove a channel, so that the next viewer opens another one."""
        if self._channels.get(channel.camera_id) is channel:
            del self._channels[channel.camera_id]

    async def _distribute(self, channel: _Channel) -> None:
        lease = await to_thread.run_sync(holder, self._context, channel.camera_id)
        stream = self._client.detections(lease.node_api_url, lease.node, channel.camera_id)
        async with aclosing(stream):
            async for received in stream:
                for detections in received:
                    channel.feed.put(detections)

    def _end(self, channel: _Channel, error: SightlineError) -> None:
        self._forget(channel)
        channel.error = error
        channel.feed.end()
