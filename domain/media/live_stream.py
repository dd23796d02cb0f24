"""Live video for players: an initialisation segment, then one fragment for each picture. One
broadcast distributes the fragments of a stream to its viewers and waits for none of them.

Fragments are made once and shared. Each one refers to the initialisation segment that a player
needs before it, so a viewer that skips fragments always knows what to send next. Only the event
loop of the broadcast may use the classes here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Literal

from domain.clock import Clock
from domain.errors import SightlineError
from domain.media.held_gop import HeldGop, MemoryLimit
from domain.media.packets import WallSource

LiveStreamName = Literal["main", "sub", "sound"]
"""The streams of a camera that viewers receive. The sound is that of the main stream. It is a
stream of its own, so viewers without sound are sent nothing of it.
"""
MAX_LAG_S = 3.0
"""A queue whose oldest fragment has waited longer is emptied: the viewer is too slow."""
MAX_QUEUED_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class LiveInit:
    """The initialisation segment of a stream, and what a player must know of it. Sound has no size
    in pixels.
    """

    mime: str
    """The MIME type with codecs, for `MediaSource.addSourceBuffer`."""
    codec: str
    width_px: int
    height_px: int
    data: bytes
    clock_hz: int = 0
    """The sample rate of sound; 0 for pictures."""
    channels: int = 0


@dataclass(frozen=True, slots=True)
class LiveFragment:
    """One picture as a fragment of MP4, or one unit of sound, which is always a keyframe."""

    init: LiveInit
    """The fragments that are played with one initialisation segment share one object."""
    data: bytes
    is_keyframe: bool
    media_ns: int
    """Its presentation time on the media timeline, which is UTC."""
    wall_ns: int
    wall_source: WallSource
    received_ns: int


class LiveQueue:
    """The fragments that wait for one viewer. A viewer that is too slow loses all of them and
    continues at the next keyframe.
    """

    def __init__(self, clock: Clock, ready: asyncio.Event) -> None:
        """`ready` is set when there is a fragment to take, and at the end of the stream."""
        self.skipped = 0
        """How many fragments this viewer has lost."""
        self.error: SightlineError | None = None
        """Why the stream ended; None while it continues."""
        self._clock = clock
        self._ready = ready
        self._waiting: deque[tuple[float, LiveFragment]] = deque()
        self._bytes = 0
        self._has_begun = False
        self._wants_keyframe = True

    def put(self, fragment: LiveFragment) -> None:
        if self._wants_keyframe and not fragment.is_keyframe:
            self.skipped += self._has_begun
            return
        now_s = self._clock.monotonic_s()
        if self._is_too_slow(fragment, now_s):
            self.skipped += len(self._waiting)
            self._clear()
            if not fragment.is_keyframe:
                self.skipped += 1
                self._wants_keyframe = True
                return
        self._has_begun, self._wants_keyframe = True, False
        self._waiting.append((now_s, fragment))
        self._bytes += len(fragment.data)
        self._ready.set()

    @property
    def starts_ns(self) -> int | None:
        """The media time of the first fragment that waits; None if there is none."""
        return self._waiting[0][1].media_ns if self._waiting else None

    def take(self) -> list[LiveFragment]:
        """Return all waiting fragments in order."""
        fragments = [fragment for _, fragment in self._waiting]
        self._clear()
        return fragments

    def begin_after(self, media_ns: int) -> None:
        """Leave out what waits before the first keyframe that is shown after `media_ns`. Nothing of
        it counts as skipped.
        """
        while self._waiting:
            _, first = self._waiting[0]
            if first.is_keyframe and first.media_ns > media_ns:
                return
            self._bytes -= len(first.data)
            self._waiting.popleft()
        self._has_begun, self._wants_keyframe = False, True

    def end(self, error: SightlineError) -> None:
        self.error = error
        self._ready.set()

    def _is_too_slow(self, fragment: LiveFragment, now_s: float) -> bool:
        if not self._waiting:
            return False
        is_late = now_s - self._waiting[0][0] > MAX_LAG_S
        return is_late or self._bytes + len(fragment.data) > MAX_QUEUED_BYTES

    def _clear(self) -> None:
        self._waiting.clear()
        self._bytes = 0


class LiveBroadcast:
    """Distributes the fragments of one stream. It holds those since the newest keyframe."""

    def __init__(self, clock: Clock, bound: MemoryLimit) -> None:
        self._clock = clock
        self._held: HeldGop[LiveFragment] = HeldGop(bound)
        self._queues: list[LiveQueue] = []
        self._error: SightlineError | None = None
        self._is_closed = False

    @property
    def viewers(self) -> int:
        return len(self._queues)

    def join(self, ready: asyncio.Event, from_held: bool = True) -> LiveQueue:
        """Add a viewer. With `from_held` it begins with the held fragments, otherwise with the next
        keyframe.
        """
        queue = LiveQueue(self._clock, ready)
        for fragment in self._held.items if from_held else ():
            queue.put(fragment)
        if self._error is not None:
            queue.end(self._error)
        self._queues.append(queue)
        return queue

    def leave(self, queue: LiveQueue) -> None:
        self._queues.remove(queue)

    def put(self, fragment: LiveFragment) -> None:
        if self._is_closed:
            return
        self._held.put(fragment, len(fragment.data), fragment.is_keyframe)
        for queue in self._queues:
            queue.put(fragment)

    def end(self, error: SightlineError) -> None:
        """End the stream for all viewers, also for those that join later."""
        self._error = error
        self._held.clear()
        for queue in self._queues:
            queue.end(error)

    def close(self) -> None:
        """Free the held fragments; nothing is distributed afterwards."""
        self._is_closed = True
        self._held.clear()
