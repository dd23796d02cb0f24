"""The streams on their way to the media process: what becomes of one that ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from api.live import media_feeds
from api.live.channels import LiveChannels
from api.live.media_feeds import MediaFeed, MediaFeeds
from api.webrtc.client import MediaLink
from api.webrtc.messages import Message, OpenStream
from api.webrtc.sound_stream import SoundStream, SoundUnit
from domain.clock import SystemClock
from domain.errors import SightlineError, SourceTimeout
from domain.media.held_gop import MemoryLimit
from domain.media.live_stream import LiveBroadcast, LiveQueue, LiveStreamName
from tests.api.webrtc.test_sound_session import fragments
from tests.waiting import PATIENCE_S

SILENT = SourceTimeout("camera gate sends no packets")


class Subscription:
    def __init__(self, broadcast: LiveBroadcast, queue: LiveQueue) -> None:
        self.queue = queue
        self._broadcast = broadcast

    def close(self) -> None:
        self._broadcast.leave(self.queue)


class Channels:
    """A node whose streams a test puts and ends."""

    def __init__(self) -> None:
        self.opened: list[LiveBroadcast] = []

    def join(self, camera_id: str, stream: LiveStreamName, ready: asyncio.Event) -> Subscription:
        broadcast = LiveBroadcast(SystemClock(), MemoryLimit(1 << 20))
        self.opened.append(broadcast)
        return Subscription(broadcast, broadcast.join(ready))


class Link:
    """A media process, which reads the sound that it is sent."""

    has_ended = False

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.sound = SoundStream("gate")
        self.heard: list[SoundUnit | None] = []
        self.changed = asyncio.Event()
        self.sound.listen(self.heard.append)

    def new_stream(self) -> int:
        return 1

    def send(self, message: Message) -> None:
        self.sent.append(message)

    async def send_records(self, stream: int, records: bytes) -> None:
        self.sound.feed(records)
        self.changed.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                await self.changed.wait()
                self.changed.clear()


def opened(stream: LiveStreamName) -> tuple[MediaFeeds, MediaFeed, Channels, Link]:
    channels, link = Channels(), Link()
    feeds = MediaFeeds(cast(LiveChannels, channels))
    return feeds, feeds.join(cast(MediaLink, link), "gate", stream), channels, link


def end(channels: Channels, error: SightlineError) -> None:
    channels.opened[-1].end(error)


def test_sound_that_has_ended_returns_to_its_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_feeds, "SOUND_RETRY_S", 0.0)

    async def work() -> None:
        feeds, feed, channels, link = opened("sound")
        (fragment,) = fragments("pcm_alaw", 1)
        channels.opened[0].put(fragment)
        await link.until(lambda: len(link.heard) == 1)
        end(channels, SILENT)
        await link.until(lambda: link.sound.error is not None)
        while len(channels.opened) < 2:
            await asyncio.sleep(0)
        channels.opened[1].put(fragment)
        await link.until(lambda: link.sound.error is None)
        assert [unit is None for unit in link.heard] == [False, True, False]
        assert [type(one) for one in link.sent] == [OpenStream]
        feeds.leave(feed)
        assert not channels.opened[1].viewers

    asyncio.run(work())


def test_a_viewer_who_opens_the_camera_meanwhile_gets_a_feed_of_its_own() -> None:
    async def work() -> None:
        feeds, feed, channels, link = opened("sound")
        end(channels, SILENT)
        await link.until(lambda: link.sound.error is not None)
        other = feeds.join(cast(MediaLink, link), "gate", "sound")
        assert other is not feed
        feeds.leave(feed)
        assert feeds.join(cast(MediaLink, link), "gate", "sound") is other

    asyncio.run(work())


def test_pictures_that_have_ended_are_not_requested_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_feeds, "SOUND_RETRY_S", 0.0)

    async def work() -> None:
        _, feed, channels, link = opened("main")
        end(channels, SILENT)
        assert feed.task is not None
        await feed.task
        assert str(link.sound.error) == str(SILENT)
        assert len(channels.opened) == 1

    asyncio.run(work())
