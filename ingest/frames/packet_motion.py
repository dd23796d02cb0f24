"""Detects motion from the sizes of a stream's packets, without decoding.

An encoder with a variable bitrate spends few bytes on a still scene and many on a moving one. The
limit is learned for each stream from the lower tail of its last three minutes, in which nothing
moved. It uses the quietest tenth of the windows, and the distance of the quietest fiftieth below
it.

Each half second after a keyframe is learned separately, because encoders spend several times as
much on noise after a keyframe. The limit favours false alarms over misses. A constant bitrate hides
motion, and rain counts as motion. Pure, except for the sink.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence

from domain.clock import NS_PER_S
from domain.media.packet_batch import PacketOrBatch, single_packets
from domain.media.packets import AudioPacket, Packet, ticks_to_ns

WINDOW_NS = NS_PER_S // 2
"""The window. It averages B-frames and single late packets, and a person needs longer to cross a
picture.
"""
_MIN_WINDOW_NS = WINDOW_NS // 2
"""Windows also begin at keyframes. A shorter window before one is extended if groups of pictures
are as short, and otherwise dropped.
"""
LEARN_WINDOWS = 10
"""The number of windows that are observed before the first result and between two updates; also the
least number for a phase of its own.
"""
_PHASES = 5
"""The phases: windows after a keyframe; all later ones share the last phase."""
_HISTORY = 360
"""The history of three minutes. Motion that lasts longer without a pause is learned as still, and
so are slow changes of light.
"""
_QUIET_PART, _QUIETEST_PART = 0.1, 0.02
_TAIL_SIGMAS = 0.77
"""The distance of these parts in a normal distribution. If the upper three quarters are motion, it
is up to half larger, which favours still.
"""
_MIN_RISE, _MAX_RISE, _SIGMAS = 0.5, 0.9, 6.3
"""The least, the largest and the normal rise above the quiet part that counts as motion, in natural
logarithms. The least is two thirds more bytes, because the phase in the GOP alone gives half as
much until it is learned. The normal one is five sigmas above the mean. The largest is two and a
half times the bytes.
"""
_RELIABLE_WINDOWS = 120
"""The least number of windows for a reliable spread; with fewer the quietest fiftieth is one or two
windows.
"""
_RELEASE_PART = 0.7
_FLOOR_BYTES = 64
"""Added to every level, because the difference between nearly empty packets has no meaning."""


class PacketMotion:
    """Detects motion in one stream. `put` returns True or False at the end of each window, and None
    in between and while it learns.
    """

    def __init__(self) -> None:
        self.moves = False
        self.quiet_bytes = math.inf
        """The bytes of a packet without motion; infinite until they are learned."""
        self.lasted_ns = 0
        """How long before the last packet its window, or the one that it ended, began."""
        self._began_ns: int | None = None
        self._phase = self._bytes = self._count = self._most_count = 0
        self._levels: deque[tuple[int, float]] = deque(maxlen=_HISTORY)
        """The phase and the level of each window."""
        self._until_learning = LEARN_WINDOWS
        self._quiet = [math.inf] * _PHASES
        self._rise = math.inf
        self.is_reliable = False
        """Whether still and moving pictures differ by more bytes than still pictures among each
        other. If they do not, an object may pass while `moves` remains False.
        """

    @property
    def surges(self) -> bool:
        """Whether the current window already has more bytes than a whole one without motion, so
        that its result is known.
        """
        return self._bytes > (math.exp(self._quiet[self._phase] + self._rise) - _FLOOR_BYTES) * max(
            1, self._most_count
        )

    def put(self, at_ns: int, size_bytes: int, is_keyframe: bool) -> bool | None:
        """Process a packet in decoding order; `at_ns` advances at the rate of media."""
        answer = self._advance_window(at_ns, is_keyframe)
        if not is_keyframe:  # a keyframe is large in any scene
            self._bytes += size_bytes
            self._count += 1
        return answer

    def _advance_window(self, at_ns: int, is_keyframe: bool) -> bool | None:
        """Begin a window at this packet if one is due, and return the result of the previous
        one.
        """
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
    """Return the level below which this part of the levels lies."""
    return sorted(levels)[int(part * (len(levels) - 1))]


class MotionSink:
    """A sink that calls `moved(from_ns, to_ns)` (wall time) for each half second with motion."""

    def __init__(self, on_motion: Callable[[int, int], None]) -> None:
        self._on_motion = on_motion
        self._motion = PacketMotion()
        self._session: int | None = None

    def put(self, *received: PacketOrBatch) -> None:
        for packet in single_packets(received):
            self._process(packet)

    def put_audio(self, packet: AudioPacket) -> None:
        """Ignore audio, which shows no motion."""

    def _process(self, packet: Packet) -> None:
        if packet.stream.session != self._session:
            self._session = packet.stream.session
            self._motion = PacketMotion()
        if self._motion.put(
            ticks_to_ns(packet.dts, packet.stream.time_base), packet.size_bytes, packet.is_keyframe
        ):
            self._on_motion(packet.wall_ns - WINDOW_NS, packet.wall_ns)
