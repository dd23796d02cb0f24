"""Motion-gated decoding: a checkpoint's packets are held while nothing moves, and decoded in a
burst once something does.

The sizes of packets show whether something moves (`packet_motion.py`). The gate trusts them only
for streams that spend very little on a still picture. It does not trust them for some minutes
after an object appeared that they did not show. While the gate is closed it releases a keyframe now
and then, to find what moved too slowly to be seen in packet sizes. A reader that is late learns too
late that nothing is in view, so it skips the packets that the gate would have held.

While the worker is behind, each group of pictures is held from its keyframe until its packets show
motion. It is then decoded as a whole if `admission.py` admits it, and otherwise not at all. Whole
groups are left out because half of the looks at every passing would find none of them.

`decode_control.py` describes how gate, reader and analysis work together.
"""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from enum import Enum

from domain.clock import NS_PER_S
from domain.media.fanout import Tap
from domain.media.packet_batch import PacketOrBatch, single_packets
from domain.media.packets import AudioPacket, Packet, ticks_to_ns
from ingest.frames.admission import Admission, AdmitAll, GroupWork, NotDecoded
from ingest.frames.decode_control import Burst, DecodeControl
from ingest.frames.packet_motion import WINDOW_NS, PacketMotion

QUIET_WINDOWS = 2
"""The gate closes after so many half seconds without motion and with nothing in view. No picture
is decoded twice, so closing for a moment costs nothing.
"""
BEFORE_NS = NS_PER_S // 4
"""Frames are analysed from so long before the half second that showed motion."""
PROBE_EVERY_NS = 60 * NS_PER_S
MAX_BITS_A_PIXEL = 0.02
"""This is a megabit a second at 1080p and 25 frames/s. A stream that takes more while the picture
is still is noisy, or has a constant bitrate, and hides motion.
"""
DISTRUST_NS = 600 * NS_PER_S
HELD_PACKETS, HELD_BYTES = 200, 12 << 20
"""The limits are below those of the tap. If a stream has more between two keyframes, every packet
is decoded.
"""
MAX_QUIET_INTERVALS = 8
"""The tap cannot hold packets of more quiet intervals than this."""
_log = logging.getLogger(__name__)


class _Group(Enum):
    """What happens to the current group of pictures."""

    UNLIMITED = "unlimited"  # the worker was not behind at its keyframe
    WAITING = "waiting"  # its packets are held, and showed no motion yet
    ADMITTED = "admitted"
    REFUSED = "refused"


class DecodeGate(DecodeControl):
    """A sink of the fan-out, called in the thread that pulls the camera.

    The analysis thread calls the methods of `DecodeControl`, and no others.
    """

    def __init__(self, camera_id: str, tap: Tap, admission: Admission | None = None) -> None:
        """Put the packets to decode into `tap`, which one `FrameReader` empties.

        Without an `admission` no group of pictures is left out because of overload.
        """
        self._camera_id = camera_id
        self._tap = tap
        self._admission: Admission = admission or AdmitAll()
        self._group = _Group.UNLIMITED
        self._group_from_ns = 0
        self._group_packets = 0
        self._usual_group = (0, 0)
        """The packets and the nanoseconds of the last whole group."""
        self._undecided_from_ns: int | None = None
        self._was_limited = False
        """Whether a group was held because the worker was behind, since the gate last opened."""
        self._session: int | None = None
        self._ahead_ns = 0
        """How far the clock of the camera is ahead of ours."""
        self._motion = PacketMotion()
        self._nothing_in_view = False
        self._appeared_ns: int | None = None
        """The time of the frame in which an object appeared, until the gate has judged it."""
        self._is_closed = False
        self._burst = Burst()
        self._held: list[Packet] = []
        """The packets since the last keyframe but one, as far as the limits allow."""
        self._held_bytes = 0
        self._keyframe_at = 0
        """The index of the last keyframe in `_held`."""
        self._released = 0
        """How many packets at the start of `_held` the decoder has had without a gap."""
        self._quiet_windows = 0
        self._shown_objects = 0
        """How many objects appeared whose motion the packet sizes did show."""
        self._moved_ns = self._probed_ns = self._distrusted_until_ns = 0
        self._quiet_intervals: tuple[tuple[int, int], ...] = ()
        """The intervals in which packets would have been held, had nothing been in view. The last
        one may still go on.
        """
        self._is_quiet = False

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    @property
    def expects_nothing(self) -> bool:
        return self._is_closed and self._nothing_in_view

    @property
    def undecided_from_ns(self) -> int | None:
        return self._undecided_from_ns

    @property
    def burst(self) -> Burst:
        return self._burst

    @property
    def group_ns(self) -> int:
        return self._usual_group[1] if self._usual_group[0] else 0

    @property
    def coming_packets(self) -> int:
        """The packets of the current group that will arrive and be decoded, as far as is known.

        Any thread may read it.
        """
        is_decoded = self._group in (_Group.UNLIMITED, _Group.ADMITTED) and not self._is_closed
        return max(0, self._usual_group[0] - self._group_packets) if is_decoded else 0

    def done_until_ns(self, now_ns: int) -> int:
        """Return until when the packets were put into the tap, showed no motion, or were reported
        as not decoded, by the clock of the camera. `now_ns` is the present time.

        Any thread may call it.
        """
        is_open = self._group in (_Group.WAITING, _Group.REFUSED)
        return self._group_from_ns if is_open else now_ns + self._ahead_ns

    def quiet_until_ns(self, wall_ns: int, /) -> int:
        if not self._nothing_in_view:
            return 0
        return next(
            (
                until_ns
                for from_ns, until_ns in self._quiet_intervals
                if from_ns <= wall_ns < until_ns
            ),
            0,
        )

    def on_appeared(self, wall_ns: int, /) -> None:
        self._appeared_ns = wall_ns

    def on_analysed(self, *, is_in_view: bool) -> None:
        self._nothing_in_view = not is_in_view

    def put(self, *received: PacketOrBatch) -> None:
        for packet in single_packets(received):
            self._put(packet)

    def put_audio(self, packet: AudioPacket) -> None:
        """Ignore audio, which is not analysed."""

    def _put(self, packet: Packet) -> None:
        if packet.stream.session != self._session:
            self._start_session(packet)
        moves = self._motion.put(
            ticks_to_ns(packet.dts, packet.stream.time_base), packet.size_bytes, packet.is_keyframe
        )
        if moves or self._motion.surges:
            self._quiet_windows, self._moved_ns = 0, packet.wall_ns
        elif moves is not None:
            self._quiet_windows += 1
        self._judge_packet_sizes(packet.wall_ns)
        self._update_quiet_intervals(packet)
        if packet.is_keyframe:
            self._end_group(packet.wall_ns)
        self._ahead_ns = packet.wall_ns - packet.received_ns
        self._hold(packet)
        self._group_packets += 1
        if self._is_limited(packet):
            self._put_limited(packet)
            self._note_undecided(packet, is_still_window=moves is False)
        elif not self._is_closed:
            self._was_limited, self._undecided_from_ns = False, None
            self._tap.put(packet)
            self._released = len(self._held)
            if self._may_close():
                self._is_closed = True
                self._probed_ns = packet.wall_ns
        elif not self._may_close():
            self._open(packet)
        elif packet.is_keyframe and packet.wall_ns - self._probed_ns >= PROBE_EVERY_NS:
            self._probe(packet)

    def _is_limited(self, packet: Packet) -> bool:
        """Return whether the worker is behind. That begins at a keyframe, and ends at any packet:
        the held packets of a group are then decoded.
        """
        is_behind = self._admission.is_behind
        if packet.is_keyframe:
            self._group = _Group.WAITING if is_behind else _Group.UNLIMITED
        elif not is_behind:
            self._group = _Group.UNLIMITED
        return self._group is not _Group.UNLIMITED

    def _put_limited(self, packet: Packet) -> None:
        """Hold a group until it shows motion, and then decode it if it is admitted.

        `burst` stays as it is, because the reader may still be decoding earlier packets.
        """
        if packet.is_keyframe:
            self._is_closed = self._was_limited = True
            self._drop_before_keyframe()
            self._keyframe_at = 0
            if packet.wall_ns - self._probed_ns >= PROBE_EVERY_NS:
                self._probed_ns = packet.wall_ns
                self._release_from(0, packet.received_ns)
        # The result of a window says less: after one with motion it needs less to be motion too.
        moves = self._motion.surges or not self._sizes_show_motion(packet)
        may_move = moves or not self._fits_held()
        if self._group is _Group.WAITING and may_move:
            is_admitted = self._admission.admits(self._group_work())
            self._group = _Group.ADMITTED if is_admitted else _Group.REFUSED
        if self._group is not _Group.ADMITTED:
            return
        if self._is_closed and may_move:
            self._is_closed = False
            self._release_from(0, packet.received_ns)
        elif not self._is_closed:
            self._tap.put(packet)
            self._released = len(self._held)
            self._is_closed = self._nothing_in_view and self._quiet_windows > 0 and not may_move

    def _group_work(self) -> GroupWork:
        packets, lasts_ns = self._usual_group
        coming = max(0, packets - self._group_packets)
        return GroupWork(len(self._held), coming, coming * lasts_ns / max(1, packets) / NS_PER_S)

    def _note_undecided(self, packet: Packet, *, is_still_window: bool) -> None:
        if self._group is not _Group.WAITING:
            self._undecided_from_ns = None
        elif packet.is_keyframe or is_still_window:
            self._undecided_from_ns = packet.wall_ns

    def _end_group(self, at_ns: int) -> None:
        """Report the group that ends before a keyframe, or with its session, if it was not
        decoded.
        """
        if self._group in (_Group.WAITING, _Group.REFUSED) and self._group_packets:
            why = NotDecoded.STILL if self._group is _Group.WAITING else NotDecoded.OVERLOAD
            self._admission.on_not_decoded(self._group_from_ns, at_ns, self._group_packets, why)
        self._usual_group = self._group_packets, max(0, at_ns - self._group_from_ns)
        self._group, self._group_from_ns, self._group_packets = _Group.UNLIMITED, at_ns, 0

    def _sizes_show_motion(self, packet: Packet) -> bool:
        """Return whether the sizes tell a group with motion from one without.

        That needs less evidence than to close the gate without a backlog: the sizes did show an
        object that appeared, and have missed none for some minutes.
        """
        is_learned = math.isfinite(self._motion.quiet_bytes)
        is_proved = self._shown_objects > 0 or self._shows_no_motion(packet)
        return is_learned and is_proved and packet.wall_ns >= self._distrusted_until_ns

    def _start_session(self, packet: Packet) -> None:
        self._end_group(packet.wall_ns)
        self._shown_objects = 0
        self._session = packet.stream.session
        self._motion = PacketMotion()
        self._held, self._held_bytes, self._keyframe_at, self._released = [], 0, 0, 0
        self._quiet_windows, self._appeared_ns, self._undecided_from_ns = 0, None, None
        self._quiet_intervals, self._is_quiet = (), False
        self._is_closed = False

    def _may_close(self) -> bool:
        return self._nothing_in_view and self._is_quiet and self._fits_held()

    def _fits_held(self) -> bool:
        return 0 < len(self._held) < HELD_PACKETS and self._held_bytes < HELD_BYTES

    def _open(self, packet: Packet) -> None:
        """Release the held packets in a burst, from a keyframe or from where decoding stopped.

        Frames from before the motion are not analysed, unless the worker was just behind: the
        reader may then still be decoding earlier packets.
        """
        if self._was_limited:
            self._is_closed = self._was_limited = False
            self._undecided_from_ns = None
            self._release_from(self._keyframe_at, packet.received_ns)
            return
        from_ns = self._motion_from_ns(packet)
        first = (
            0
            if self._held and from_ns < self._held[self._keyframe_at].wall_ns
            else self._keyframe_at
        )
        self._burst = Burst(from_ns, packet.wall_ns)
        self._is_closed = False
        self._release_from(first, packet.received_ns)

    def _release_from(self, first: int, now_ns: int) -> None:
        """Put the held packets from index `first` on into the tap, without those it had before.

        They count as received now, because the time for which they were held is no delay of the
        worker.
        """
        for held in self._held[max(first, self._released) :]:
            self._tap.put(replace(held, received_ns=now_ns))
        self._released = len(self._held)

    def _probe(self, keyframe: Packet) -> None:
        """Release one keyframe, and stay closed."""
        self._probed_ns = keyframe.wall_ns
        self._burst = Burst(keyframe.wall_ns, keyframe.wall_ns)
        self._tap.put(keyframe)
        self._released = 0

    def _shows_no_motion(self, packet: Packet) -> bool:
        """Return whether packet sizes show no motion, and can be trusted."""
        if not self._motion.is_reliable or packet.wall_ns < self._distrusted_until_ns:
            return False
        if self._quiet_windows < QUIET_WINDOWS:
            return False
        pixels = packet.stream.width_px * packet.stream.height_px
        return 8 * self._motion.quiet_bytes <= MAX_BITS_A_PIXEL * pixels

    def _update_quiet_intervals(self, packet: Packet) -> None:
        was_quiet, self._is_quiet = self._is_quiet, self._shows_no_motion(packet)
        if was_quiet:
            from_ns = self._quiet_intervals[-1][0]
            until_ns = packet.wall_ns if self._is_quiet else self._motion_from_ns(packet)
            self._quiet_intervals = (*self._quiet_intervals[:-1], (from_ns, until_ns))
        elif self._is_quiet:
            earlier = self._quiet_intervals[-MAX_QUIET_INTERVALS + 1 :]
            self._quiet_intervals = (*earlier, (packet.wall_ns, packet.wall_ns))

    def _motion_from_ns(self, packet: Packet) -> int:
        """Return from when frames are analysed if `packet` shows motion."""
        return packet.wall_ns - self._motion.lasted_ns - BEFORE_NS

    def _judge_packet_sizes(self, now_ns: int) -> None:
        """Stop trusting packet sizes if they did not show an object that appeared.

        The half second of its packets may end after its frame, so the judgement waits. While the
        sizes are still being learned the gate does not close, and there is nothing to judge.
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

    def _hold(self, packet: Packet) -> None:
        if packet.is_keyframe:
            self._drop_before_keyframe()
            self._keyframe_at = len(self._held)
        elif not self._held:
            return
        self._held.append(packet)
        self._held_bytes += packet.size_bytes
        if self._keyframe_at and (
            len(self._held) >= HELD_PACKETS or self._held_bytes >= HELD_BYTES
        ):
            self._drop_before_keyframe()
            self._keyframe_at = 0
        if len(self._held) > HELD_PACKETS or self._held_bytes > 2 * HELD_BYTES:
            # The gate is open by now: `_may_close` was false one packet before.
            self._held, self._held_bytes, self._released = [], 0, 0

    def _drop_before_keyframe(self) -> None:
        """Drop the packets before the last keyframe."""
        self._held = self._held[self._keyframe_at :]
        self._released = max(0, self._released - self._keyframe_at)
        self._held_bytes = sum(packet.size_bytes for packet in self._held)
