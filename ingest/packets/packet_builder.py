"""A connection's access units into packets, whichever reader pulls them: keyframes, sessions,
time stamps and wall time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from domain.clock import NS_PER_S
from domain.media.packet_batch import PacketBatch
from domain.media.packets import Packet, StreamInfo
from ingest.packets import nal
from ingest.packets.clock_rate import ClockRate
from ingest.packets.depacketise import Units
from ingest.packets.native.depacketiser import KEY
from ingest.packets.stream_probe import shape_of
from ingest.packets.timeline import JUMP_NS, Timeline
from ingest.packets.timestamps import DecodeTimes, Timestamps


@dataclass(slots=True)
class SourceCounts:
    """What a streamer reads of a source while it pulls. All but `session` are of the present
    connection.
    """

    timeline: Timeline
    session: int = 0
    before_keyframe_packets: int = 0
    """Packets that came before the first keyframe that a decoder understands, and were not
    yielded.
    """
    unreadable_keyframes: int = 0
    """Keyframes among them: the parameter sets that came, if any, do not tell their size."""
    lacking_sets: str = ""
    """Which parameter sets had not come by the last of those."""
    broken_packets: int = 0
    """Packets that lack pieces. libavformat's are yielded, as part of a picture is better than
    none; our own reader drops them.
    """
    lost_packets: int = 0
    """RTP packets of the video that never came."""
    strange_packets: int = 0
    """Datagrams that came from elsewhere than the camera."""
    jumps: int = 0
    """How often the time stamps leapt; the packets' own go on without a leap."""
    left_out: str = ""
    """Why the camera's sound is not taken, where it has any."""

    def begin(self) -> None:
        """Another connection."""
        self.timeline, self.left_out, self.lacking_sets = Timeline(), "", ""
        self.unreadable_keyframes = 0
        self.before_keyframe_packets = self.broken_packets = self.lost_packets = (
            self.strange_packets
        ) = self.jumps = 0


class TimedAccessUnit(NamedTuple):
    """One access unit as a reader has it; times in ticks of the stream's time base, None where
    the reader does not know.
    """

    data: bytes
    pts: int | None
    dts: int | None
    duration: int
    received_ns: int
    """In steady time, which no setting of our clock moves (`Clock.steady_ns`)."""
    sender_wall_ns: int | None
    stepped_ns: int = 0
    """By how much our wall time is ahead of steady time (`Clock.stepped_ns`)."""
    starts: Sequence[int] = ()
    """As of the packet."""


class PacketBuilder:
    """One connection's. `info` is what its description says; size and extradata may still be
    lacking.

    `reorder_depth` None: the reader has no dts of its own, and they are worked out from the pts.
    """

    def __init__(self, counts: SourceCounts, info: StreamInfo, reorder_depth: int | None) -> None:
        counts.session += 1
        self.wants_sender = True
        """A sender's time is wanted with the next unit: once in a second of media. One of
        before a leap is not used.
        """
        self._counts = counts
        self._info = replace(info, session=counts.session)
        self._sets = nal.parameter_sets(info.codec, info.extradata)
        self._pace = ClockRate()
        self._stamps = Timestamps(reorder_depth or 0)
        self._decode_times = DecodeTimes() if reorder_depth is None else None
        self._duration = 0
        self._stepped_ns: int | None = None
        self._yielded = False
        self._sender_due_ns = 0
        self._num = info.time_base.numerator * NS_PER_S
        self._den = info.time_base.denominator
        self._most_step = self._ticks(JUMP_NS)

    def packet(self, unit: TimedAccessUnit) -> Packet | None:
        """The unit as a packet; None before the first keyframe."""
        data, timeline = unit.data, self._counts.timeline
        head = nal.keyframe_head(self._info.codec, data)
        if unit.stepped_ns != self._stepped_ns and (head >= 0 or self._stepped_ns is None):
            self._step(unit.stepped_ns)
        received_ns = unit.received_ns + (self._stepped_ns or 0)
        if head >= 0 and (head > 4 or not self._yielded):
            self._renew(data, head)
        pts, dts, has_leapt = self._stamped(unit, received_ns)
        pts_ns = self.ns(pts)
        if unit.sender_wall_ns is not None and not has_leapt:
            timeline.sender(pts_ns, unit.sender_wall_ns)
            self._sender_due_ns = pts_ns + NS_PER_S
        self.wants_sender = pts_ns >= self._sender_due_ns
        wall = timeline.wall(pts_ns, received_ns)
        if not self._yielded and (head < 0 or not self._info.width_px):
            self._counts.before_keyframe_packets += 1
            if head >= 0:
                self._counts.unreadable_keyframes += 1
                self._counts.lacking_sets = ", ".join(
                    nal.lacking_sets(self._info.codec, self._sets)
                )
            return None
        self._yielded = True
        sender_ns = timeline.sender_wall_ns(pts_ns)
        duration = unit.duration or self._duration
        return Packet(
            self._info,
            data,
            pts,
            dts,
            duration,
            head >= 0,
            wall.wall_ns,
            wall.source,
            received_ns,
            sender_ns,
            unit.starts,
        )

    def steady(
        self, units: Units, ticks: Sequence[int], at: int, received_ns: int
    ) -> PacketBatch | None:
        """The quick way for a camera that goes on as it did: of `units` from `at` on, as many as
        are no keyframes and rise evenly, at once.

        They give the packets that `packet` gives for them, one by one, and leave behind what it
        does. None where the first of them wants a closer look. `ticks`: their stamps.
        """
        pts = self._rising(units.flags, ticks, at)
        if (
            not pts
            or self._decode_times is None
            or not self._leaves(self._decode_times, pts[0], received_ns)
        ):
            return None
        num, den, timeline, clock_ns = (
            self._num,
            self._den,
            self._counts.timeline,
            received_ns + (self._stepped_ns or 0),
        )
        pts_ns = [own * num // den for own in pts]
        if not (walls := timeline.walls(pts_ns, clock_ns)):
            return None
        self._pace.pass_by(pts_ns, received_ns)
        self._stamps.pass_by(pts[-1])
        self._decode_times.pass_by(pts[-1])
        self.wants_sender = pts_ns[-1] >= self._sender_due_ns
        sender_ns, (data, ends, starts) = timeline.sender_wall_ns(0), units.part(at, at + len(pts))
        return PacketBatch(
            self._info,
            data,
            ends,
            pts,
            walls,
            self._duration,
            timeline.source,
            clock_ns,
            sender_ns,
            pts_ns,
            starts,
        )

    def _rising(self, flags: Sequence[int], ticks: Sequence[int], at: int) -> list[int]:
        """The pts of the units from `at` on, before the first that is a keyframe or does not
        follow within a second of the one before.
        """
        shift, most, before = self._stamps.shift, self._most_step, ticks[at] - 1
        pts: list[int] = []
        for own_flags, own in zip(flags[at:], ticks[at:], strict=True):
            if own_flags & KEY or not 0 < own - before <= most:
                break
            pts.append(own + shift)
            before = own
        return pts

    def _leaves(self, decode_times: DecodeTimes, pts: int, received_ns: int) -> bool:
        """Whether nothing would be done to the stamps of packets that rise from `pts` on."""
        return (
            self._yielded
            and self._stamps.leaves(pts)
            and decode_times.leaves(pts)
            and self._pace.leaves(received_ns)
        )

    @property
    def is_even(self) -> bool:
        """The camera's counter runs as fast as time does."""
        return self._pace.is_even

    @property
    def stepped_ns(self) -> int:
        """By how much wall time is ahead of steady time in the present session."""
        return self._stepped_ns or 0

    def ns(self, ticks: int) -> int:
        """Ticks of the stream's time base in nanoseconds."""
        return ticks * self._num // self._den

    def _stamped(self, unit: TimedAccessUnit, received_ns: int) -> tuple[int, int, bool]:
        """pts, dts, and whether the camera's counter leapt."""
        timeline, stamps = self._counts.timeline, self._stamps
        duration = unit.duration or self._duration
        pts = stamps.pts(unit.pts, unit.dts, duration)
        has_leapt = timeline.jumped(self._pace.given(self.ns(pts)), received_ns)
        if has_leapt:
            self._counts.jumps += 1
            likely_ns = timeline.expected_pts_ns(received_ns, self.ns(duration))
            pts = stamps.jump(pts, self._ticks(self._pace.back(likely_ns)))
        pts_ns = self.ns(pts)
        paced_ns = self._pace.of(pts_ns, unit.received_ns)
        dts = unit.dts
        if paced_ns != pts_ns:
            pts, dts = self._ticks(paced_ns), None
        if self._decode_times is not None:
            return *stamps.keep(pts, self._decode_times.of(pts)), has_leapt
        return *stamps.settle(pts, dts, duration), has_leapt

    def _ticks(self, ns: int) -> int:
        return ns * self._den // self._num

    def _step(self, stepped_ns: int) -> None:
        """Our clock was set: a new session, and not before a keyframe, so that no picture is
        lost to the recording for it.
        """
        if self._stepped_ns is not None:
            self._counts.timeline.stepped(stepped_ns - self._stepped_ns)
            self._counts.session += 1
            self._info = replace(self._info, session=self._counts.session)
        self._stepped_ns = stepped_ns

    def _renew(self, data: bytes, head: int) -> None:
        """The stream as this keyframe, whose first slice is at `head`, shows it: a new session
        where its parameter sets are new.
        """
        info, sets = self._info, self._sets
        here = nal.parameter_sets(info.codec, data[:head])
        if set(here) <= set(sets) and info.width_px:
            return
        is_first = not info.width_px or not sets
        if not set(here) <= set(sets):
            sets = here if nal.has_sps(info.codec, here) else (*sets, *here)
        extradata = nal.annex_b(sets)
        shape = shape_of(info.codec, extradata, data)
        if not is_first:
            self._counts.session += 1
        if self._decode_times is not None:
            self._duration = round(shape.frame_s * self._den / self._num * NS_PER_S)
            self._decode_times.deepen(shape.reorder_depth, self._duration)
        self._sets = sets
        self._info = replace(
            info,
            width_px=shape.width_px,
            height_px=shape.height_px,
            extradata=extradata,
            session=self._counts.session,
        )
