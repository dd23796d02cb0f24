"""Converts the access units of a connection to packets, with keyframes, sessions, timestamps and
wall times. Both RTSP readers use it.
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
    """The counts of a source, which a streamer reads while it pulls. All except `session` belong to
    the present connection.
    """

    timeline: Timeline
    session: int = 0
    before_keyframe_packets: int = 0
    """The number of packets before the first keyframe that a decoder understands, which are
    dropped.
    """
    unreadable_keyframes: int = 0
    """The number of keyframes among them: their parameter sets, if any, do not give a picture
    size.
    """
    lacking_sets: str = ""
    """The parameter sets that the last of those lacked."""
    broken_packets: int = 0
    """The number of incomplete packets. Those of libavformat are passed on, because a partial
    picture is better than none; our own reader drops them.
    """
    lost_packets: int = 0
    """The number of RTP packets of the video that never arrived."""
    strange_packets: int = 0
    """The number of datagrams from other addresses than the camera's."""
    jumps: int = 0
    """The number of jumps in the timestamps, which are removed from the packets."""
    unsupported_audio: str = ""
    """Why the camera's audio is not recorded; empty if it is, or if there is none."""

    def reset(self) -> None:
        """Reset the counts for another connection."""
        self.timeline, self.unsupported_audio, self.lacking_sets = Timeline(), "", ""
        self.unreadable_keyframes = 0
        self.before_keyframe_packets = self.broken_packets = self.lost_packets = (
            self.strange_packets
        ) = self.jumps = 0


class TimedAccessUnit(NamedTuple):
    """One access unit from a reader. Times are in ticks of the stream's time base, and None if the
    reader does not know them.
    """

    data: bytes
    pts: int | None
    dts: int | None
    duration: int
    received_ns: int
    """The arrival in steady time, which steps of our clock do not affect (`Clock.steady_ns`)."""
    sender_wall_ns: int | None
    stepped_ns: int = 0
    """How far wall time is ahead of steady time (`Clock.stepped_ns`)."""
    starts: Sequence[int] = ()
    """The start codes, as in `Packet.starts`."""


class PacketBuilder:
    """Builds the packets of one connection. `info` comes from its description; size and extradata
    may still be missing.

    If `reorder_depth` is None, the reader has no dts, and they are derived from the pts.
    """

    def __init__(self, counts: SourceCounts, info: StreamInfo, reorder_depth: int | None) -> None:
        counts.session += 1
        self.needs_sender_time = True
        """Whether the next unit should have a sender's time, which is needed once per second of
        media. One from before a jump is ignored.
        """
        self._counts = counts
        self._info = replace(info, session=counts.session)
        self._sets = nal.parameter_sets(info.codec, info.extradata)
        self._clock_rate = ClockRate()
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
        """Return the unit as a packet; None before the first keyframe."""
        data, timeline = unit.data, self._counts.timeline
        head = nal.keyframe_head(self._info.codec, data)
        if unit.stepped_ns != self._stepped_ns and (head >= 0 or self._stepped_ns is None):
            self._apply_clock_step(unit.stepped_ns)
        received_ns = unit.received_ns + (self._stepped_ns or 0)
        if head >= 0 and (head > 4 or not self._yielded):
            self._update_stream(data, head)
        pts, dts, has_leapt = self._assign_times(unit, received_ns)
        pts_ns = self.ns(pts)
        if unit.sender_wall_ns is not None and not has_leapt:
            timeline.on_sender_report(pts_ns, unit.sender_wall_ns)
            self._sender_due_ns = pts_ns + NS_PER_S
        self.needs_sender_time = pts_ns >= self._sender_due_ns
        wall = timeline.wall_time(pts_ns, received_ns)
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

    def batch(
        self, units: Units, ticks: Sequence[int], at: int, received_ns: int
    ) -> PacketBatch | None:
        """Return a batch of the units from `at` on, as many as are no keyframes and rise regularly.
        This is faster than `packet`.

        The result and the later state equal those of `packet` for each unit. Return None if the
        first unit is irregular. `ticks` are the timestamps of the units.
        """
        pts = self._rising_pts(units.flags, ticks, at)
        if (
            not pts
            or self._decode_times is None
            or not self._keeps_unchanged(self._decode_times, pts[0], received_ns)
        ):
            return None
        num, den, timeline, clock_ns = (
            self._num,
            self._den,
            self._counts.timeline,
            received_ns + (self._stepped_ns or 0),
        )
        pts_ns = [own * num // den for own in pts]
        if not (walls := timeline.wall_times(pts_ns, clock_ns)):
            return None
        self._clock_rate.advance_to(pts_ns, received_ns)
        self._stamps.advance_to(pts[-1])
        self._decode_times.advance_to(pts[-1])
        self.needs_sender_time = pts_ns[-1] >= self._sender_due_ns
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

    def _rising_pts(self, flags: Sequence[int], ticks: Sequence[int], at: int) -> list[int]:
        """Return the pts of the units from `at` on. They stop before a keyframe, and before a unit
        that does not follow within a second.
        """
        shift, most, before = self._stamps.shift, self._most_step, ticks[at] - 1
        pts: list[int] = []
        for own_flags, own in zip(flags[at:], ticks[at:], strict=True):
            if own_flags & KEY or not 0 < own - before <= most:
                break
            pts.append(own + shift)
            before = own
        return pts

    def _keeps_unchanged(self, decode_times: DecodeTimes, pts: int, received_ns: int) -> bool:
        """Whether the timestamps of packets that rise from `pts` on would not be changed."""
        return (
            self._yielded
            and self._stamps.keeps_unchanged(pts)
            and decode_times.keeps_unchanged(pts)
            and self._clock_rate.keeps_unchanged(received_ns)
        )

    @property
    def has_steady_clock(self) -> bool:
        """Whether the camera's clock runs at the right rate."""
        return self._clock_rate.is_accurate

    @property
    def stepped_ns(self) -> int:
        """How far wall time is ahead of steady time in the present session."""
        return self._stepped_ns or 0

    def ns(self, ticks: int) -> int:
        """Convert ticks of the stream's time base to nanoseconds."""
        return ticks * self._num // self._den

    def _assign_times(self, unit: TimedAccessUnit, received_ns: int) -> tuple[int, int, bool]:
        """Return pts, dts, and whether the camera's timestamps jumped."""
        timeline, stamps = self._counts.timeline, self._stamps
        duration = unit.duration or self._duration
        pts = stamps.pts(unit.pts, unit.dts, duration)
        has_leapt = timeline.is_jump(self._clock_rate.preview(self.ns(pts)), received_ns)
        if has_leapt:
            self._counts.jumps += 1
            likely_ns = timeline.expected_pts_ns(received_ns, self.ns(duration))
            pts = stamps.compensate_jump(pts, self._ticks(self._clock_rate.invert(likely_ns)))
        pts_ns = self.ns(pts)
        paced_ns = self._clock_rate.correct(pts_ns, unit.received_ns)
        dts = unit.dts
        if paced_ns != pts_ns:
            pts, dts = self._ticks(paced_ns), None
        if self._decode_times is not None:
            return *stamps.finalise(pts, self._decode_times.next_dts(pts)), has_leapt
        return *stamps.complete(pts, dts, duration), has_leapt

    def _ticks(self, ns: int) -> int:
        return ns * self._den // self._num

    def _apply_clock_step(self, stepped_ns: int) -> None:
        """Start a new session because our clock was set. It starts at a keyframe, so that no
        picture is lost to the recording.
        """
        if self._stepped_ns is not None:
            self._counts.timeline.on_clock_step(stepped_ns - self._stepped_ns)
            self._counts.session += 1
            self._info = replace(self._info, session=self._counts.session)
        self._stepped_ns = stepped_ns

    def _update_stream(self, data: bytes, head: int) -> None:
        """Update the stream from this keyframe, whose first slice is at `head`. New parameter sets
        start a new session.
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
            self._decode_times.set_depth(shape.reorder_depth, self._duration)
        self._sets = sets
        self._info = replace(
            info,
            width_px=shape.width_px,
            height_px=shape.height_px,
            extradata=extradata,
            session=self._counts.session,
        )
