"""Between a camera's packets and their decoding: while nothing moves they are held, and decoded in
a burst once something does.

The sizes of packets say whether something moves (`packet_motion.py`). They are believed only of
streams that spend next to nothing on a still picture, and not for a while after something was found
that they had not told of. While it dozes a keyframe is let through now and then: what came so
slowly that no packet told of it is found by that. A reader that is behind learns too late that
nothing is in view: it leaves out of its queue what would have been held.
"""

from __future__ import annotations

import logging
import math

from domain.clock import NS_PER_S
from domain.media.fanout import Tap
from domain.media.packet_batch import Came, singly
from domain.media.packets import AudioPacket, Packet, ticks_to_ns
from ingest.frames.decoder import FrameReader
from ingest.frames.packet_motion import WINDOW_NS, PacketMotion

QUIET_WINDOWS = 2
"""Half seconds without motion, and with nothing in view, before it dozes. No picture is decoded
twice: a moment's doze costs nothing.
"""
BEFORE_NS = NS_PER_S // 4
"""What is looked at of the time before the half second that told of motion."""
PEEK_EVERY_NS = 60 * NS_PER_S
MOST_BITS_A_PIXEL = 0.02
"""A megabit a second at 1080p and 25 frames/s. What takes more while still is noisy, or held to
a rate, and hides motion.
"""
DISTRUST_NS = 600 * NS_PER_S
HELD_PACKETS, HELD_BYTES = 200, 12 << 20
"""Fewer than the tap takes at once. Of a stream with more between two keyframes every packet is
decoded.
"""
LULLS_MOST = 8
"""As many as a queue may hold, and more."""
_log = logging.getLogger(__name__)


class DecodeGate:
    """A sink for the puller's thread. `may_rest` and `found` are the looking thread's."""

    def __init__(self, camera_id: str, tap: Tap, reader: FrameReader) -> None:
        self.may_rest = False
        """Nothing is in view."""
        self._camera_id = camera_id
        self._tap = tap
        self.reader = reader
        self._session: int | None = None
        self._motion = PacketMotion()
        self._held: list[Packet] = []
        """From the last keyframe but one, where that fits."""
        self._held_bytes = self._keyframe_at = self._given = 0
        """How much is held, where its last keyframe is, and how many of its first the decoder
        had without a gap.
        """
        self._quiet_windows = 0
        self._moved_ns = self._peeked_ns = self._distrusted_until_ns = 0
        self._found_ns: int | None = None
        self._dozes = False
        self._lulls: tuple[tuple[int, int], ...] = ()
        """From when to when it would have held packets, had nothing been in view; the last may
        go on.
        """
        self._is_lull = False
        reader.quiet_until = self._quiet_until

    @property
    def is_awake(self) -> bool:
        """Whether packets are decoded as they come."""
        return not self._dozes

    def found(self, wall_ns: int) -> None:
        """Something came into view in the frame of this time: its packets should have told."""
        self._found_ns = wall_ns

    def put(self, *came: Came) -> None:
        for packet in singly(came):
            self._put(packet)

    def _put(self, packet: Packet) -> None:
        if packet.stream.session != self._session:
            self._begin(packet)
        moves = self._motion.put(
            ticks_to_ns(packet.dts, packet.stream.time_base), packet.size_bytes, packet.is_keyframe
        )
        if moves or self._motion.surges:
            self._quiet_windows, self._moved_ns = 0, packet.wall_ns
        elif moves is not None:
            self._quiet_windows += 1
        self._judge(packet.wall_ns)
        self._note_lull(packet)
        self._hold(packet)
        if not self._dozes:
            self._tap.put(packet)
            self._given = len(self._held)
            if self._may_doze(packet):
                self.reader.rests = self._dozes = True
                self._peeked_ns = packet.wall_ns
        elif not self._may_doze(packet):
            self._wake(packet)
        elif packet.is_keyframe and packet.wall_ns - self._peeked_ns >= PEEK_EVERY_NS:
            self._peeked_ns = packet.wall_ns
            self.reader.catch_up(packet.wall_ns, packet.wall_ns)
            self._tap.put(packet)
            self._given = 0

    def put_audio(self, packet: AudioPacket) -> None:
        """Sound is not looked at."""

    def _begin(self, packet: Packet) -> None:
        self._session = packet.stream.session
        self._motion = PacketMotion()
        self._held, self._held_bytes, self._keyframe_at, self._given = [], 0, 0, 0
        self._quiet_windows, self._found_ns = 0, None
        self._lulls, self._is_lull = (), False
        self.reader.rests = self._dozes = False

    def _may_doze(self, packet: Packet) -> bool:
        return (
            self.may_rest
            and self._is_lull
            and 0 < len(self._held) < HELD_PACKETS
            and self._held_bytes < HELD_BYTES
        )

    def _is_quiet(self, packet: Packet) -> bool:
        """Whether its packets say that nothing moves, and are believed."""
        if not self._motion.is_reliable or packet.wall_ns < self._distrusted_until_ns:
            return False
        if self._quiet_windows < QUIET_WINDOWS:
            return False
        pixels = packet.stream.width_px * packet.stream.height_px
        return 8 * self._motion.quiet_bytes <= MOST_BITS_A_PIXEL * pixels

    def _note_lull(self, packet: Packet) -> None:
        was_lull, self._is_lull = self._is_lull, self._is_quiet(packet)
        if was_lull and not self._is_lull:
            self._lulls = (*self._lulls[:-1], (self._lulls[-1][0], self._wanted_from_ns(packet)))
        elif self._is_lull:
            begun = (
                self._lulls if was_lull else (*self._lulls[-LULLS_MOST + 1 :], (packet.wall_ns, 0))
            )
            self._lulls = (*begun[:-1], (begun[-1][0], packet.wall_ns))

    def _wanted_from_ns(self, packet: Packet) -> int:
        """What is to be looked at where this packet tells of motion."""
        return packet.wall_ns - self._motion.lasted_ns - BEFORE_NS

    def _quiet_until(self, wall_ns: int) -> int:
        """For the reader, from the looking thread."""
        if not self.may_rest:
            return 0
        return next(
            (until_ns for from_ns, until_ns in self._lulls if from_ns <= wall_ns < until_ns), 0
        )

    def _wake(self, packet: Packet) -> None:
        """What is held goes to the decoder, at once, from a keyframe or from where it stopped;
        what was before is not looked at.
        """
        from_ns = self._wanted_from_ns(packet)
        first = (
            0
            if self._held and from_ns < self._held[self._keyframe_at].wall_ns
            else self._keyframe_at
        )
        self.reader.catch_up(from_ns, packet.wall_ns)
        self.reader.rests = self._dozes = False
        for held in self._held[max(first, self._given) :]:
            self._tap.put(held)
        self._given = len(self._held)

    def _judge(self, now_ns: int) -> None:
        """Did packets tell of what was found? Their half second may end after its frame."""
        if self._found_ns is None or now_ns < self._found_ns + 2 * WINDOW_NS:
            return
        is_known = math.isfinite(
            self._motion.quiet_bytes
        )  # while it learns nothing is told, and it does not doze
        if is_known and self._moved_ns < self._found_ns - 3 * WINDOW_NS:
            is_news = now_ns >= self._distrusted_until_ns
            self._distrusted_until_ns = now_ns + DISTRUST_NS
            if is_news:
                _log.info(
                    "%s: packet sizes did not indicate a vehicle or person that was detected; all "
                    "packets are decoded for the next minutes",
                    self._camera_id,
                )
        self._found_ns = None

    def _hold(self, packet: Packet) -> None:
        if packet.is_keyframe:
            self._let_go()
            self._keyframe_at = len(self._held)
        elif not self._held:
            return
        self._held.append(packet)
        self._held_bytes += packet.size_bytes
        if self._keyframe_at and (
            len(self._held) >= HELD_PACKETS or self._held_bytes >= HELD_BYTES
        ):
            self._let_go()
            self._keyframe_at = 0
        if len(self._held) > HELD_PACKETS or self._held_bytes > 2 * HELD_BYTES:
            self._held, self._held_bytes, self._given = (
                [],
                0,
                0,
            )  # it is awake by now: `_may_doze` says so one packet before

    def _let_go(self) -> None:
        """Of what is before the last keyframe."""
        self._held = self._held[self._keyframe_at :]
        self._given = max(0, self._given - self._keyframe_at)
        self._held_bytes = sum(one.size_bytes for one in self._held)
