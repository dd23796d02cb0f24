"""Whether something moves, by the sizes of a stream's packets alone: no picture is decoded.

An encoder that may vary its bitrate spends few bytes on a still scene and many on a moving one. What counts as many is learned of each
stream from the lower tail of its last three minutes, where nothing moved: the quietest tenth, and how far its quietest fiftieth
lies below. Rather too often than not often enough. An encoder held to a constant bitrate hides motion, and rain shows as some. Pure, but
for the sink at the end.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

from domain.clock import NS_PER_S
from domain.media import AudioPacket, Packet, ticks_to_ns
from domain.runs import Came, singly

WINDOW_NS = NS_PER_S // 2
"""Packets are weighed by the half second: B-frames and the odd late packet even out, and a person needs longer to cross a picture."""
LEARN_WINDOWS = 10
"""So much is seen of a stream before anything is said of it, and learned in one go after."""
_HISTORY = 360
"""Three minutes. What moves for longer without a pause becomes the quiet; so does dusk, before it is taken for motion."""
_QUIET_PART, _QUIETEST_PART = 0.1, 0.02
_TAIL_SIGMAS = 0.77
"""Between these parts of a normal distribution; of one whose upper three quarters are motion up to half more, which errs towards quiet."""
_LEAST_RISE, _MOST_RISE, _SIGMAS = 0.5, 0.9, 6.3
"""What a level must lie above the quiet part to be motion, in natural logarithms: two thirds more bytes (the phase of the GOP
alone gives half as much), and five sigmas over the middle; two and a half times as many are motion in any noise."""
_RELEASE_PART = 0.7
_FLOOR_BYTES = 64
"""Added to every level: between packets of nothing and of next to nothing there is no difference."""


class PacketMotion:
    """One stream's. `put` says True or False at the end of each window, None in between and while it learns."""

    def __init__(self) -> None:
        self.moves = False
        self._end_ns: int | None = None
        self._bytes = self._count = 0
        self._levels: deque[float] = deque(maxlen=_HISTORY)
        self._until_learning = LEARN_WINDOWS
        self._quiet = self._rise = math.inf

    @property
    def quiet_bytes(self) -> float:
        """What a packet takes where nothing moves; infinite while that is being learned."""
        return math.exp(self._quiet) - _FLOOR_BYTES

    def put(self, at_ns: int, size_bytes: int, is_keyframe: bool) -> bool | None:
        """A packet, in decoding order; `at_ns` counts on at the rate of media."""
        end_ns = self._end_ns
        if end_ns is None or not end_ns - WINDOW_NS <= at_ns < end_ns:
            self._end_ns = at_ns + WINDOW_NS
            answer = self._close() if end_ns is not None and at_ns < end_ns + WINDOW_NS and self._count else None
            self._bytes = self._count = 0
        else:
            answer = None
        if not is_keyframe:  # it is large whatever moves
            self._bytes += size_bytes
            self._count += 1
        return answer

    def _close(self) -> bool | None:
        level = math.log(self._bytes / self._count + _FLOOR_BYTES)
        self._levels.append(level)
        self._until_learning -= 1
        if not self._until_learning:
            self._learn()
        if len(self._levels) < LEARN_WINDOWS:
            return None
        self.moves = level - self._quiet > (self._rise * _RELEASE_PART if self.moves else self._rise)
        return self.moves

    def _learn(self) -> None:
        self._until_learning = LEARN_WINDOWS
        levels = sorted(self._levels)
        self._quiet, quietest = (levels[int(part * (len(levels) - 1))] for part in (_QUIET_PART, _QUIETEST_PART))
        self._rise = min(_MOST_RISE, max(_LEAST_RISE, _SIGMAS / _TAIL_SIGMAS * (self._quiet - quietest)))


class MotionSink:
    """A sink that calls `moved(from_ns, to_ns)` (wall time) for each half second in which something moved."""

    def __init__(self, moved: Callable[[int, int], None]) -> None:
        self._moved = moved
        self._motion = PacketMotion()
        self._session: int | None = None

    def put(self, *came: Came) -> None:
        for packet in singly(came):
            self._look(packet)

    def put_audio(self, packet: AudioPacket) -> None:
        """Sound is no motion."""

    def _look(self, packet: Packet) -> None:
        if packet.stream.session != self._session:
            self._session = packet.stream.session
            self._motion = PacketMotion()
        if self._motion.put(ticks_to_ns(packet.dts, packet.stream.time_base), packet.size_bytes, packet.is_keyframe):
            self._moved(packet.wall_ns - WINDOW_NS, packet.wall_ns)
