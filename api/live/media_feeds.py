"""The streams that an API process sends to the media process, once for all WebRTC viewers of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from api.live.channels import LiveChannels, LiveSubscription
from api.nodes.live_wire import LiveWriter, error_record
from api.webrtc.client import MediaLink
from api.webrtc.messages import CloseStream, OpenStream
from domain.errors import StoreError
from domain.media.live_stream import LiveStreamName
from domain.media.viewer_metrics import LIVE_SKIPPED

SOUND_RETRY_S = 5.0
"""The time after which sound that has ended is requested from the node again."""


@dataclass(eq=False)
class MediaFeed:
    """One stream on its way to the media process."""

    link: MediaLink
    camera_id: str
    stream: LiveStreamName
    number: int
    """Its number in the messages of the connection."""
    subscription: LiveSubscription
    ready: asyncio.Event
    users: int = 0
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class MediaFeeds:
    """The feeds of one app. Only its event loop may use it."""

    def __init__(self, channels: LiveChannels) -> None:
        self._channels = channels
        self._feeds: dict[tuple[MediaLink, str, LiveStreamName], MediaFeed] = {}

    def join(self, link: MediaLink, camera_id: str, stream: LiveStreamName) -> MediaFeed:
        """Return the feed of a stream for one more session."""
        key = (link, camera_id, stream)
        feed = self._feeds.get(key)
        if feed is None:
            feed = self._feeds[key] = self._start(link, camera_id, stream)
        feed.users += 1
        return feed

    def leave(self, feed: MediaFeed) -> None:
        feed.users -= 1
        if feed.users:
            return
        self._forget(feed)
        assert feed.task is not None
        feed.task.cancel()
        feed.subscription.close()
        if not feed.link.has_ended:
            feed.link.send(CloseStream(stream=feed.number))

    def _start(self, link: MediaLink, camera_id: str, stream: LiveStreamName) -> MediaFeed:
        number, ready = link.new_stream(), asyncio.Event()
        subscription = self._channels.join(camera_id, stream, ready)
        feed = MediaFeed(link, camera_id, stream, number, subscription, ready)
        link.send(OpenStream(stream=number, camera=camera_id, name=stream))
        name = f"media feed {camera_id}/{stream}"
        feed.task = asyncio.create_task(self._send(feed), name=name)
        return feed

    def _forget(self, feed: MediaFeed) -> None:
        """Remove a feed, so that the next session starts another one."""
        key = (feed.link, feed.camera_id, feed.stream)
        if self._feeds.get(key) is feed:
            del self._feeds[key]

    async def _send(self, feed: MediaFeed) -> None:
        """Send what arrives until the stream or the connection ends. The pictures end with their
        stream; sound that has ended is requested again, because its sessions continue.
        """
        try:
            await self._send_stream(feed)
            while feed.stream == "sound":
                await asyncio.sleep(SOUND_RETRY_S)
                feed.subscription.close()
                feed.subscription = self._channels.join(feed.camera_id, feed.stream, feed.ready)
                await self._send_stream(feed)
        except StoreError:
            # The connection has ended, and the sessions that use the feed end with it.
            return

    async def _send_stream(self, feed: MediaFeed) -> None:
        """Send what arrives until the stream ends, and the error with which it ends."""
        writer, queue, skipped = LiveWriter(), feed.subscription.queue, 0
        while True:
            await feed.ready.wait()
            feed.ready.clear()
            if fragments := queue.take():
                await feed.link.send_records(feed.number, writer.records(fragments))
            if queue.skipped > skipped:
                LIVE_SKIPPED.labels(feed.camera_id, "media").inc(queue.skipped - skipped)
                skipped = queue.skipped
            if queue.error is not None:
                self._forget(feed)
                await feed.link.send_records(feed.number, error_record(queue.error))
                return
