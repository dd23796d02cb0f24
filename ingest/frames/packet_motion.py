"""Whether something moves, by the sizes of a stream's packets alone: no picture is decoded.

An encoder that may vary its bitrate spends few bytes on a still scene and many on a moving one.
What counts as many is learned of each stream from the lower tail of its last three minutes, where
nothing moved: the quietest tenth, and how far its quietest fiftieth lies below; of each half second
after a keyframe by itself, as an encoder spends several times as much on noise after one as before
the next. Rather too often than not often enough. An encoder held to a constant bitrate hides
motion, and rain shows as some. Pure, but for the sink at the end.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence

from domain.clock import NS_PER_S
from domain.media.packet_batch import PacketOrBatch, single_packets
from domain.media.packets import AudioPacket, Packet, ticks_to_ns

WINDOW_NS = NS_PER_S // 2
"""Packets are weighed by the half second: B-frames and the odd late packet even out, and a
person needs longer to cross a picture.
"""
_MIN_WINDOW_NS = WINDOW_NS // 2
"""Windows begin at keyframes too. A shorter one before goes on where groups of pictures are as
short, and is left out in others.
"""
LEARN_WINDOWS = 10
"""So much is seen of a stream before anything is said of it, and learned in one go after; of a
phase, before it is one by itself.
"""
_PHASES = 5
"""Windows after a keyframe; all later ones are one."""
_HISTORY = 360
"""Three minutes. What moves for longer without a pause becomes the quiet; so does dusk, before
it is taken for motion.
"""
_QUIET_PART, _QUIETEST_PART = 0.1, 0.02
_TAIL_SIGMAS = 0.77
"""Between these parts of a normal distribution; of one whose upper three quarters are motion up
to half more, which errs towards quiet.
"""
_MIN_RISE, _MAX_RISE, _SIGMAS = 0.5, 0.9, 6.3
"""What a level must lie above the quiet part to be motion, in natural logarithms: two thirds more
bytes (the phase of the GOP alone gives half as much while it is not known), and five sigmas over
the middle; two and a half times as many are motion in any noise.
"""
_RELIABLE_WINDOWS = 120
"""With fewer windows the quietest fiftieth is one or two of them, and the spread is a guess."""
_RELEASE_PART = 0.7
_FLOOR_BYTES = 64
"""Added to every level: between packets of nothing and of next to nothing there is no
difference.
"""


class PacketMotion:
    """One stream's. `put` says True or False at the end of each window, None in between and
    while it learns.
    """

    def __init__(self) -> None:
        self.moves = False
        self.quiet_bytes = math.inf
        """What a packet takes where nothing moves; infinite while that is being learned."""
        self.lasted_ns = 0
        """How long before the last packet the window began that it went on or ended."""
        self._began_ns: int | None = None
        self._phase = self._bytes = self._count = self._most_count = 0
        self._levels: deque[tuple[int, float]] = deque(maxlen=_HISTORY)
        """The phase of each window, and its level."""
        self._until_learning = LEARN_WINDOWS
        self._quiet = [math.inf] * _PHASES
        self._rise = math.inf
        self.is_reliable = False
        """Whether still and moving pictures differ by more bytes than still pictures among each
        other. Where they do not, something may pass and `moves` stays False.
        """

    @property
    def surges(self) -> bool:
        """Whether the window that goes on has more bytes already than a whole one in which
        nothing moves: its answer is known.
        """
        return self._bytes > (math.exp(self._quiet[self._phase] + self._rise) - _FLOOR_BYTES) * max(
            1, self._most_count
        )

    def put(self, at_ns: int, size_bytes: int, is_keyframe: bool) -> bool | None:
        """A packet, in decoding order; `at_ns` counts on at the rate of media."""
        answer = self._turn(at_ns, is_keyframe)
        if not is_keyframe:  # it is large whatever moves
            self._bytes += size_bytes
            self._count += 1
        return answer

    def _turn(self, at_ns: int, is_keyframe: bool) -> bool | None:
        """Begin a window where this packet does; what the one before says."""
        passed_ns = -1 if self._began_ns is None else at_ns - self._began_ns
        self.lasted_ns = min(max(0, passed_ns), WINDOW_NS)
        is_short = is_keyframe and 0 <= passed_ns < _MIN_WINDOW_NS
        if 0 <= passed_ns < WINDOW_NS and (not is_keyframe or (is_short and not self._phase)):
            return None
        answer = (
            self._close()
            if 0 <= passed_ns < 2 * WINDOW_NS and self._count and not is_short
            else None
        )
        self._phase = 0 if is_keyframe else min(self._phase + 1, _PHASES - 1)
        self._began_ns, self._bytes, self._count = at_ns, 0, 0
        return answer

    def _close(self) -> bool | None:
        level = math.log(self._bytes / self._count + _FLOOR_BYTES)
        self._levels.append((self._phase, level))
        self._most_count = max(self._most_count, self._count)
        self._until_learning -= 1
        if not self._until_learning:
            self._learn()
        if len(self._levels) < LEARN_WINDOWS:
            return None
        self.moves = level - self._quiet[self._phase] > (
            self._rise * _RELEASE_PART if self.moves else self._rise
        )
        return self.moves

    def _learn(self) -> None:
        self._until_learning = LEARN_WINDOWS
        phases = [[level for at, level in self._levels if at == phase] for phase in range(_PHASES)]
        quiet = _lower([level for _, level in self._levels], _QUIET_PART)
        self._quiet = [
            _lower(levels, _QUIET_PART) if len(levels) >= LEARN_WINDOWS else quiet
            for levels in phases
        ]
        above = [level - self._quiet[phase] for phase, level in self._levels]
        spread = (_lower(above, _QUIET_PART) - _lower(above, _QUIETEST_PART)) / _TAIL_SIGMAS
        self._rise = min(_MAX_RISE, max(_MIN_RISE, _SIGMAS * spread))
        self.is_reliable = len(self._levels) >= _RELIABLE_WINDOWS and _SIGMAS * spread <= _MAX_RISE
        self.quiet_bytes = math.exp(quiet) - _FLOOR_BYTES


def _lower(levels: Sequence[float], part: float) -> float:
    """What this part of the levels lies below."""
    return sorted(levels)[int(part * (len(levels) - 1))]


class MotionSink:
    """A sink that calls `moved(from_ns, to_ns)` (wall time) for each half second in which
    something moved.
    """

    def __init__(self, moved: Callable[[int, int], None]) -> None:
        self._moved = moved
        self._motion = PacketMotion()
        self._session: int | None = None

    def put(self, *received: PacketOrBatch) -> None:
        for packet in single_packets(received):
            self._look(packet)

    def put_audio(self, packet: AudioPacket) -> None:
        """Sound is no motion."""

    def _look(self, packet: Packet) -> None:
        if packet.stream.session != self._session:
            self._session = packet.stream.session
            self._motion = PacketMotion()
        if self._motion.put(
            ticks_to_ns(packet.dts, packet.stream.time_base), packet.size_bytes, packet.is_keyframe
        ):
            self._moved(packet.wall_ns - WINDOW_NS, packet.wall_ns)
