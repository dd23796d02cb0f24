"""One live view: it sends the fragments of a stream to a browser until either of them ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from api.live.channels import LiveChannels, LiveSubscription
from api.live.detection_channels import DetectionChannels
from api.live.detection_sender import DetectionSender
from api.live.models import (
    InitCause,
    LiveInitMessage,
    LiveProblemMessage,
    LiveSkippedMessage,
    LiveTimingMessage,
    StreamName,
    SwitchCause,
    read_request,
)
from api.live.sound_sender import SoundSender
from api.requests.answers import Answer
from api.requests.languages import problem_of
from api.requests.problems import Problem, kind_of
from api.webrtc.congestion.recovery import StreamRecovery
from api.websockets.handshakes import ServerSocket, WebSocketClosed
from domain.clock import NS_PER_MS, NS_PER_S, Clock
from domain.errors import SightlineError
from domain.media.live_stream import LiveFragment, LiveInit
from domain.media.viewer_metrics import LIVE_BYTES, LIVE_ENDS, LIVE_SKIPPED, LIVE_SWITCHES

CLOSE_CODE_BASE = 4000
"""The close code of a problem is this number plus the problem's status."""
TIMING_EVERY_S = 1.0
SLOW_WITHIN_S = 30.0
"""A viewer that skips twice within this time gets the sub-stream."""
SKEW_NS, SKEW_AFTER_S = NS_PER_S, 3.0
"""The timelines of two streams of a camera may differ by so much. After so long, a change accepts a
keyframe that is earlier than the sent pictures by at most this.
"""
CHECK_EVERY_S = 1.0
MESSAGE_PAUSE_S = 0.2
"""The time between two messages of a client that are read. Further ones wait in its connection."""
MAX_MESSAGE_BYTES = 1 << 20
"""Fragments that wait together are sent in one message up to about this size."""
_END_MESSAGE_WITHIN_S = 1.0
"""The time within which a viewer must read the message that ends its view."""


@dataclass(frozen=True, slots=True)
class LiveTarget:
    """What a viewer watches, and how problems are described to it."""

    camera_id: str
    has_substream: bool
    is_sub: bool
    """Whether the view begins with the sub-stream."""
    request_id: str
    language: str
    has_detections: bool = False
    """Whether the viewer requested the detections of the camera."""
    has_sound: bool = False
    """Whether the viewer requested the sound of the camera."""


class ViewerAccess(Protocol):
    """What the person of a view may see now."""

    async def check(self) -> None:
        """Raises an error as soon as the person may not watch the camera any more."""

    def may_read_events(self) -> bool:
        """Whether the person may see what is detected, as of the last check."""


class LiveView:
    """One view."""

    def __init__(
        self,
        socket: ServerSocket,
        channels: LiveChannels,
        target: LiveTarget,
        access: ViewerAccess,
        clock: Clock,
        detections: DetectionChannels | None = None,
    ) -> None:
        """`detections` is None for a viewer who did not request what the analysis finds."""
        self._socket = socket
        self._channels = channels
        self._target = target
        self._access = access
        self._clock = clock
        self._ready = asyncio.Event()
        self._detections = None
        if detections is not None:
            self._detections = DetectionSender(
                detections, target.camera_id, self._described, clock, self._ready.set
            )
        self._sound = None
        if target.has_sound:
            self._sound = SoundSender(
                channels, target.camera_id, self._described, clock, self._ready
            )
        self._current = channels.join(target.camera_id, _stream(target.is_sub), self._ready)
        self._pending: LiveSubscription | None = None
        """The other stream while its next keyframe is awaited."""
        self._cause: InitCause = "start"
        """Why the next initialisation segment is sent."""
        self._switch_cause: SwitchCause = "viewer"
        self._requested_s = 0.0
        self._init: LiveInit | None = None
        self._skipped = 0
        self._skipped_s: float | None = None
        self._recovery = StreamRecovery()
        self._timing_s: float | None = None
        self._shown_ns = 0
        """The latest media time that was sent."""
        self._media_after_wall_ns = 0
        """The difference between media time and wall time of the newest picture that was sent."""
        self._bytes = LIVE_BYTES.labels(target.camera_id)

    async def run(self) -> None:
        """Serve the view until the viewer leaves or has received the reason of the end."""
        try:
            await _first(self._send(), self._receive(), self._watch_access())
        except WebSocketClosed:
            return
        except SightlineError as error:
            await self._end(error)
        finally:
            if self._detections is not None:
                self._detections.close()
            if self._sound is not None:
                self._sound.close()
            self._current.close()
            if self._pending is not None:
                self._pending.close()

    async def _send(self) -> None:
        while True:
            await self._ready.wait()
            self._ready.clear()
            await self._send_waiting()
            if self._pending is not None:
                await self._change_stream(self._pending)
            if self._detections is not None:
                for message in self._detections.take(self._media_after_wall_ns):
                    await self._send_message(message)
            if self._sound is not None:
                await self._send_sound(self._sound)

    async def _send_sound(self, sound: SoundSender) -> None:
        for message in sound.take():
            if isinstance(message, bytes):
                await self._send_media([message])
            else:
                await self._send_message(message)

    async def _send_waiting(self, until_ns: int | None = None) -> None:
        """Send the waiting fragments. Of a stream that is being left, send only the fragments that
        are shown before `until_ns`.
        """
        queue = self._current.queue
        fragments = queue.take()
        if queue.skipped > self._skipped:
            count, self._skipped = queue.skipped - self._skipped, queue.skipped
            LIVE_SKIPPED.labels(self._target.camera_id, "viewer").inc(count)
            await self._report_skipped(count)
        if until_ns is not None:
            fragments = [one for one in fragments if one.media_ns < until_ns]
        await self._send_fragments(fragments)
        if queue.error is not None and until_ns is None:
            if not fragments:
                raise queue.error
            self._ready.set()  # The stream has ended, so nothing else sets the event.

    async def _change_stream(self, other: LiveSubscription) -> None:
        """Change to the other stream if its keyframe has arrived.

        At first, a keyframe that is shown before the sent pictures does not count: a player would
        jump back. But a stream whose timeline is behind that of the other has no later keyframe.
        """
        if other.queue.error is not None:
            self._pending = None
            other.close()
            await self._send_message(self._problem(other.queue.error, other, is_last=False))
            return
        has_waited = self._clock.monotonic_s() - self._requested_s >= SKEW_AFTER_S
        other.queue.begin_after(self._shown_ns - (SKEW_NS if has_waited else 0))
        start_ns = other.queue.starts_ns
        if start_ns is None:
            return
        await self._send_waiting(start_ns)
        if self._pending is not other:
            return  # The client has requested another stream meanwhile.
        self._current.close()
        self._current, self._pending = other, None
        self._skipped, self._skipped_s = 0, None
        self._cause = self._switch_cause
        if not self._current.is_sub:
            self._recovery.forget()
        LIVE_SWITCHES.labels(self._target.camera_id, self._switch_cause).inc()
        self._ready.set()

    async def _send_fragments(self, fragments: Sequence[LiveFragment]) -> None:
        waiting: list[bytes] = []
        size_bytes = 0
        for one in fragments:
            if one.init is not self._init:
                await self._send_media(waiting)
                waiting, size_bytes = [], 0
                await self._send_init(one)
            waiting.append(one.data)
            size_bytes += len(one.data)
            if size_bytes >= MAX_MESSAGE_BYTES:
                await self._send_media(waiting)
                waiting, size_bytes = [], 0
        await self._send_media(waiting)
        if fragments:
            self._shown_ns = max(one.media_ns for one in fragments)
            self._media_after_wall_ns = fragments[-1].media_ns - fragments[-1].wall_ns
            await self._report_timing(fragments[-1])

    async def _send_media(self, pieces: list[bytes]) -> None:
        if pieces:
            data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            await self._socket.send_bytes(data)
            self._bytes.inc(len(data))

    async def _send_init(self, first: LiveFragment) -> None:
        init = self._init = first.init
        cause, self._cause = self._cause, "parameters"
        message = LiveInitMessage(
            camera=self._target.camera_id,
            stream=_name(self._current),
            cause=cause,
            mime=init.mime,
            codec=init.codec,
            width_px=init.width_px,
            height_px=init.height_px,
            starts_at_s=first.media_ns / NS_PER_S,
            wall_source=first.wall_source,
        )
        await self._send_message(message)
        await self._socket.send_bytes(init.data)

    async def _report_timing(self, newest: LiveFragment) -> None:
        now_s = self._clock.monotonic_s()
        if self._timing_s is not None and now_s - self._timing_s < TIMING_EVERY_S:
            return
        self._timing_s = now_s
        message = LiveTimingMessage(
            picture_at=newest.wall_ns,
            media_s=newest.media_ns / NS_PER_S,
            delay_ms=(self._clock.wall_ns() - newest.wall_ns) // NS_PER_MS,
            wall_source=newest.wall_source,
        )
        await self._send_message(message)
        if self._recovery.is_due(self._keeps_up(now_s), now_s):
            self._request(is_sub=False, cause="recovered")

    def _keeps_up(self, now_s: float) -> bool:
        return self._skipped_s is None or now_s - self._skipped_s >= TIMING_EVERY_S

    async def _report_skipped(self, count: int) -> None:
        now_s = self._clock.monotonic_s()
        is_again = self._skipped_s is not None and now_s - self._skipped_s < SLOW_WITHIN_S
        self._skipped_s = now_s
        await self._send_message(LiveSkippedMessage(fragments=count, stream=_name(self._current)))
        if is_again and self._target.has_substream and not self._current.is_sub:
            self._request(is_sub=True, cause="slow")
            self._recovery.reduce()

    async def _receive(self) -> None:
        while True:
            request = read_request(await self._socket.receive_text())
            self._request(request.stream == "sub", "viewer")
            self._recovery.forget()
            await asyncio.sleep(MESSAGE_PAUSE_S)

    def _request(self, is_sub: bool, cause: SwitchCause) -> None:
        """Change to a stream at its next keyframe, or stay with the present one."""
        if self._pending is not None:
            if self._pending.is_sub == is_sub:
                return
            self._pending.close()
            self._pending = None
        if self._current.is_sub != is_sub:
            self._switch_cause = cause
            self._requested_s = self._clock.monotonic_s()
            camera_id = self._target.camera_id
            self._pending = self._channels.join(
                camera_id, _stream(is_sub), self._ready, from_held=False
            )
            self._ready.set()

    async def _watch_access(self) -> None:
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            await self._access.check()
            if self._detections is not None:
                self._detections.check(self._access.may_read_events())
            if self._sound is not None:
                self._sound.check()

    async def _end(self, error: SightlineError) -> None:
        """Send the reason of the end, unless the viewer reads nothing."""
        kind = kind_of(error)
        LIVE_ENDS.labels(kind.name).inc()
        try:
            async with asyncio.timeout(_END_MESSAGE_WITHIN_S):
                await self._send_message(self._problem(error, self._current, is_last=True))
                await self._socket.close(CLOSE_CODE_BASE + kind.status, kind.name)
        except (TimeoutError, WebSocketClosed):
            return

    def _problem(
        self, error: SightlineError, stream: LiveSubscription, is_last: bool
    ) -> LiveProblemMessage:
        problem = self._described(error)
        return LiveProblemMessage(stream=_name(stream), is_last=is_last, problem=problem)

    def _described(self, error: SightlineError) -> Problem:
        return problem_of(error, self._target.request_id, self._target.language)

    async def _send_message(self, message: Answer) -> None:
        await self._socket.send_text(message.model_dump_json(by_alias=True, exclude_none=True))


def _stream(is_sub: bool) -> StreamName:
    return "sub" if is_sub else "main"


def _name(stream: LiveSubscription) -> StreamName:
    return _stream(stream.is_sub)


async def _first(*works: Coroutine[Any, Any, None]) -> None:
    """Run all until the first one ends, and raise its exception; the others are cancelled."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if not task.cancelled():
            task.result()
