"""Decides from the sizes of a checkpoint's packets when nothing moves, and whether they show it.

`packet_motion.py` detects motion in one stream. Its result counts only for streams that spend very
little on a still picture, and not for some minutes after an object appeared that it did not show.
"""

from __future__ import annotations

import logging
import math

from domain.clock import NS_PER_S
from domain.media.packets import Packet, ticks_to_ns
from ingest.frames.packet_motion import WINDOW_NS, PacketMotion

QUIET_WINDOWS = 2
"""Nothing moves after so many half seconds without motion. No picture is decoded twice, so closing
the gate for a moment costs nothing.
"""
BEFORE_NS = NS_PER_S // 4
"""Frames are analysed from so long before the half second that showed motion."""
MAX_BITS_A_PIXEL = 0.02
"""This is a megabit a second at 1080p and 25 frames/s. A stream that takes more while the picture
is still is noisy, or has a constant bitrate, and hides motion.
"""
DISTRUST_NS = 600 * NS_PER_S
MAX_QUIET_INTERVALS = 8
"""The tap cannot hold packets of more quiet intervals than this."""
_log = logging.getLogger(__name__)


class StillDetection:
    """The sizes of one camera's packets. The pull thread calls it, except where another thread is
    named.
    """

    def __init__(self, camera_id: str) -> None:
        self._camera_id = camera_id
        self._motion = PacketMotion()
        self._quiet_windows = 0
        self._appeared_ns: int | None = None
        """The time of the frame in which an object appeared, until the sizes were judged by it."""
        self._shown_objects = 0
        """How many objects appeared whose motion the sizes did show."""
        self._moved_ns = self._distrusted_until_ns = 0
        self._quiet_intervals: tuple[tuple[int, int], ...] = ()
        """The intervals in which nothing moved. The last one may still go on."""
        self.is_still = False
        """Whether nothing moves, as far as the sizes can be trusted."""

    def start_session(self) -> None:
        """Learn the sizes of a new stream."""
        self._motion = PacketMotion()
        self._quiet_windows, self._appeared_ns, self._shown_objects = 0, None, 0
        self._quiet_intervals, self.is_still = (), False
        self._moved_ns = 0

    def put(self, packet: Packet) -> bool:
        """Process the next packet. Return whether it ends a half second without motion."""
        moves = self._motion.put(
            ticks_to_ns(packet.dts, packet.stream.time_base), packet.size_bytes, packet.is_keyframe
        )
        if moves or self._motion.surges:
            self._quiet_windows, self._moved_ns = 0, packet.wall_ns
        elif moves is not None:
            self._quiet_windows += 1
        self._judge(packet.wall_ns)
        self._update_quiet_intervals(packet)
        return moves is False

    def may_move(self, packet: Packet) -> bool:
        """Return whether something moves in a group under overload, as far as its sizes show it.

        They need less evidence than `is_still`: they did show an object that appeared, and have
        missed none for some minutes.
        """
        # The result of a window says less: after one with motion it needs less to be motion too.
        is_learned = math.isfinite(self._motion.quiet_bytes)
        is_proved = self._shown_objects > 0 or self._shows_no_motion(packet)
        is_trusted = is_learned and is_proved and packet.wall_ns >= self._distrusted_until_ns
        return self._motion.surges or not is_trusted

    @property
    def is_last_window_still(self) -> bool:
        return self._quiet_windows > 0

    def motion_from_ns(self, packet: Packet) -> int:
        """Return from when frames are analysed if `packet` shows motion."""
        return packet.wall_ns - self._motion.lasted_ns - BEFORE_NS

    def still_until_ns(self, wall_ns: int) -> int:
        """Return until when nothing moves from `wall_ns` on, or 0 if something may. The analysis
        thread calls it.
        """
        return next(
            (
                until_ns
                for from_ns, until_ns in self._quiet_intervals
                if from_ns <= wall_ns < until_ns
            ),
            0,
        )

    def on_appeared(self, wall_ns: int) -> None:
        """Note that an object appeared in the frame of this time. The analysis thread calls it."""
        self._appeared_ns = wall_ns

    def _shows_no_motion(self, packet: Packet) -> bool:
        """Return whether packet sizes show no motion, and can be trusted."""
        if not self._motion.is_reliable or packet.wall_ns < self._distrusted_until_ns:
            return False
        if self._quiet_windows < QUIET_WINDOWS:
            return False
        pixels = packet.stream.width_px * packet.stream.height_px
        return 8 * self._motion.quiet_bytes <= MAX_BITS_A_PIXEL * pixels

    def _update_quiet_intervals(self, packet: Packet) -> None:
        was_still, self.is_still = self.is_still, self._shows_no_motion(packet)
        if was_still:
            from_ns = self._quiet_intervals[-1][0]
            until_ns = packet.wall_ns if self.is_still else self.motion_from_ns(packet)
            self._quiet_intervals = (*self._quiet_intervals[:-1], (from_ns, until_ns))
        elif self.is_still:
            earlier = self._quiet_intervals[-MAX_QUIET_INTERVALS + 1 :]
            self._quiet_intervals = (*earlier, (packet.wall_ns, packet.wall_ns))

    def _judge(self, now_ns: int) -> None:
        """Stop trusting packet sizes if they did not show an object that appeared.

        The half second of its packets may end after its frame, so the judgement waits. While the
        sizes are still being learned nothing is still, and there is nothing to judge.
        """
        if self._appeared_ns is None or now_ns < self._appeared_ns + 2 * WINDOW_NS:
            return
        is_learned = math.isfinite(self._motion.quiet_bytes)
        was_shown = self._moved_ns >= self._appeared_ns - 3 * WINDOW_NS
        if is_learned and was_shown:
            self._shown_objects += 1
        elif is_learned:
            was_trusted = now_ns >= self._distrusted_until_ns
            self._distrusted_until_ns = now_ns + DISTRUST_NS
            if was_trusted:
                _log.info(
                    "%s: packet sizes did not indicate a vehicle or person that was detected; all "
                    "packets are decoded for the next minutes",
                    self._camera_id,
                )
        self._appeared_ns = None
