"""The WebRTC viewings of an API process: who may watch, for how long, and what is on record.

The media process sends the video. A viewing lasts until the viewer leaves, until the stream ends,
or until the person may not watch the camera any more.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import ExitStack
from dataclasses import dataclass

from api.live.media_feeds import MediaFeed, MediaFeeds
from api.live.models import SwitchCause
from api.live.views import LiveAccess, LiveViews
from api.requests.problems import kind_of
from api.requests.request_trace import Trace
from api.webrtc.client import MediaClient, MediaLink, SessionEvents
from api.webrtc.messages import MoveSession, OpenSession, Reply
from domain.errors import SightlineError
from domain.media.live_stream import LiveStreamName
from domain.media.viewer_metrics import LIVE_ENDS, LIVE_SWITCHES

CHECK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class WhepTarget:
    """What a viewer wants to watch."""

    camera_id: str
    has_substream: bool
    is_sub: bool
    """Whether the viewing begins with the sub-stream."""
    offer: str
    hosts: tuple[str, ...]
    """The addresses at which the viewer may reach the media process."""
    has_sound: bool = False
    """Whether the viewer requested the sound of the camera."""


class WhepSessions:
    """The sessions of one app. Only its event loop may open them."""

    def __init__(self, views: LiveViews, client: MediaClient) -> None:
        self.views = views
        self.client = client
        self.feeds = MediaFeeds(views.channels)
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, trace: Trace, target: WhepTarget) -> tuple[WhepSession, Reply]:
        """Open a session, and return it with the answer to its offer. The caller calls `start`, or
        `cancel` if the answer cannot be sent.

        Raises RateLimited if there are too many, and the error for which there is no video.
        """
        assert trace.person is not None
        with ExitStack() as stack:
            stack.enter_context(self.views.opened(trace.person.name, target.camera_id))
            link = await self.client.link()
            session = WhepSession(self, link, trace, target)
            stack.callback(session.release)
            reply = await session.open()
            session.on_end = stack.pop_all()
        return session, reply

    def start(self, session: WhepSession) -> None:
        """Follow a session until its end."""
        task = asyncio.create_task(session.run(), name=f"WHEP {session.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End all sessions, and put their ends on record."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.client.close()


class WhepSession:
    """One viewing."""

    def __init__(
        self, sessions: WhepSessions, link: MediaLink, trace: Trace, target: WhepTarget
    ) -> None:
        self.id = secrets.token_urlsafe(16)
        self.on_end = ExitStack()
        """What is undone at the end."""
        self._sessions = sessions
        self._link = link
        self._trace = trace
        self._target = target
        self._access = LiveAccess(sessions.views, trace, target.camera_id)
        self._ended: asyncio.Future[SightlineError | None] = (
            asyncio.get_running_loop().create_future()
        )
        stream: LiveStreamName = "sub" if target.is_sub else "main"
        self._feed = sessions.feeds.join(link, target.camera_id, stream)
        self._sound: MediaFeed | None = None
        if target.has_sound:
            self._sound = sessions.feeds.join(link, target.camera_id, "sound")
        self._next_feed: MediaFeed | None = None
        """The other stream while its keyframe is awaited."""
        self._error: SightlineError | None = None
        """Why this site ends the viewing."""

    async def open(self) -> Reply:
        assert self._trace.person is not None
        message = OpenSession(
            session=self.id,
            owner=self._trace.person.name,
            camera=self._target.camera_id,
            stream=self._feed.number,
            sound=None if self._sound is None else self._sound.number,
            has_substream=self._target.has_substream,
            offer=self._target.offer,
            hosts=self._target.hosts,
        )
        return await self._link.open(message, SessionEvents(self._end, self._wish, self._moved))

    async def run(self) -> None:
        """Wait for the end of the viewing, and put it on record."""
        try:
            while not self._ended.done():
                await asyncio.wait([self._ended], timeout=CHECK_EVERY_S)
                if not self._ended.done():
                    await self._access.check()
        except SightlineError as error:
            self._error = error
            LIVE_ENDS.labels(kind_of(error).name).inc()
        finally:
            self.on_end.close()
            await self._sessions.views.record_end(self._trace)

    async def cancel(self) -> None:
        """End a session whose answer did not reach its viewer."""
        self.on_end.close()
        await self._sessions.views.record_end(self._trace)

    def release(self) -> None:
        """End the session in the media process, and leave its streams."""
        self._link.close_session(self.id, self._error)
        self._sessions.feeds.leave(self._feed)
        for feed in (self._next_feed, self._sound):
            if feed is not None:
                self._sessions.feeds.leave(feed)

    def _end(self, error: SightlineError | None) -> None:
        if not self._ended.done():
            self._ended.set_result(error)

    def _wish(self, is_sub: bool) -> None:
        """Give a viewer that cannot keep up the sub-stream, or the main stream again."""
        stream: LiveStreamName = "sub" if is_sub else "main"
        if self._feed.stream == stream or self._ended.done():
            return
        if self._next_feed is not None:
            if self._next_feed.subscription.queue.error is None:
                return
            # The other stream ended before its keyframe. Now it is opened again.
            self._sessions.feeds.leave(self._next_feed)
        self._next_feed = self._sessions.feeds.join(self._link, self._target.camera_id, stream)
        self._link.send(MoveSession(session=self.id, stream=self._next_feed.number))

    def _moved(self) -> None:
        """Leave the former stream: the viewer receives the other one now."""
        if self._next_feed is not None:
            self._sessions.feeds.leave(self._feed)
            self._feed, self._next_feed = self._next_feed, None
            cause: SwitchCause = "slow" if self._feed.stream == "sub" else "recovered"
            LIVE_SWITCHES.labels(self._target.camera_id, cause).inc()
