"""Decides where a recording is cut into segments. The rules use only packet times, so that they can
be tested without files.

Segments begin at keyframes. A cut that becomes due between two keyframes waits for the next one. If
packets cannot go into the same file (a new session, time going back, a hole), they are lost and
counted until the next keyframe.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from domain.clock import NS_PER_S
from domain.media.packet_batch import PacketBatch, PacketOrBatch
from domain.media.packets import Packet, ticks_to_ns
from storage.recordings.packet_coverage import HOLE_NS, LEARNT_PART, LONGEST_USUAL_NS, UNUSUAL

DRIFT_NS = NS_PER_S // 5
"""The largest difference between wall times and `pts` within a segment, because times in a file
come from `pts`.
"""


class BoundaryDecision(Enum):
    """The decision for one packet."""

    APPEND = auto()
    START = auto()  # a new segment begins with the packet
    WAIT = auto()  # no file can contain it; the next keyframe starts one


@dataclass(frozen=True, slots=True)
class Verdict:
    place: BoundaryDecision
    joins: bool = True
    """For START: whether nothing is missing between the previous segment and this packet."""


def decode_wall_ns(packet: Packet) -> int:
    """Return the wall time of a packet's `dts`, which rises with every packet even if pictures are
    reordered.
    """
    return packet.wall_ns - ticks_to_ns(packet.pts - packet.dts, packet.stream.time_base)


def _end_of(last: PacketOrBatch) -> tuple[int, int]:
    """Return the `dts` of the last packet, and its wall time."""
    return (
        (last.pts[-1], last.walls_ns[-1])
        if isinstance(last, PacketBatch)
        else (last.dts, decode_wall_ns(last))
    )


class SegmentBoundaries:
    """Decides packet by packet, and tracks the open segment."""

    def __init__(self, segment_s: float) -> None:
        self._segment_ns = round(segment_s * NS_PER_S)
        self._first: Packet | None = None
        self._last: PacketOrBatch | None = None
        self._usual_interval_ns = 0.0
        self._is_cut_due = False

    def reset(self) -> None:
        """Forget the open segment, which was closed; the next keyframe starts another."""
        self._first = self._last = None

    def place(self, packet: Packet) -> Verdict:
        """Decide where `packet` goes. The caller must put it there."""
        verdict = self._verdict(packet)
        if verdict.place is BoundaryDecision.WAIT:
            self.reset()
            return verdict
        if verdict.place is BoundaryDecision.START:
            self._first, self._is_cut_due = packet, False
        self._last = packet
        return verdict

    def append_batch(self, batch: PacketBatch) -> bool:
        """Return whether the whole `batch` follows regularly in the open segment. If so, it counts
        as appended, as if `place` had returned APPEND for each packet. Otherwise nothing changes,
        and `place` decides for each packet.
        """
        last = self._last
        if self._first is None or last is None or batch.stream is not last.stream:
            return False
        (dts, wall_ns), usual_ns = _end_of(last), self._usual_interval_ns
        scale, base = (
            batch.stream.time_base.numerator * NS_PER_S,
            batch.stream.time_base.denominator,
        )
        for own_dts, own_ns in zip(batch.pts, batch.walls_ns, strict=True):
            interval_ns = (own_dts - dts) * scale // base
            if not 0 < interval_ns <= HOLE_NS or own_ns - wall_ns > HOLE_NS:
                return False
            usual_ns += (interval_ns - usual_ns) / LEARNT_PART if usual_ns else interval_ns
            dts, wall_ns = own_dts, own_ns
        self._last, self._usual_interval_ns = batch, usual_ns
        return True

    def _verdict(self, packet: Packet) -> Verdict:
        first, last = self._first, self._last
        if first is None or last is None or packet.stream.session != last.stream.session:
            return Verdict(
                BoundaryDecision.START if packet.is_keyframe else BoundaryDecision.WAIT, joins=False
            )
        last_dts, last_ns = _end_of(last)
        interval_ns = ticks_to_ns(packet.dts - last_dts, packet.stream.time_base)
        is_hole = self._is_hole(interval_ns)
        is_set = self._is_hole(decode_wall_ns(packet) - last_ns)
        if interval_ns > 0:
            self._learn(min(interval_ns, LONGEST_USUAL_NS))
        if interval_ns <= 0 or is_hole:
            return Verdict(
                BoundaryDecision.START if packet.is_keyframe else BoundaryDecision.WAIT, joins=False
            )
        self._is_cut_due = self._is_cut_due or is_set
        if packet.is_keyframe and (self._is_cut_due or self._is_over(first, packet)):
            return Verdict(BoundaryDecision.START, joins=not is_set)
        return Verdict(BoundaryDecision.APPEND)

    def _learn(self, interval_ns: int) -> None:
        self._usual_interval_ns += (
            (interval_ns - self._usual_interval_ns) / LEARNT_PART
            if self._usual_interval_ns
            else interval_ns
        )

    def _is_hole(self, interval_ns: int) -> bool:
        return interval_ns > max(HOLE_NS, UNUSUAL * (self._usual_interval_ns or LONGEST_USUAL_NS))

    def _is_over(self, first: Packet, packet: Packet) -> bool:
        age_ns = ticks_to_ns(packet.pts - first.pts, packet.stream.time_base)
        drift_ns = packet.wall_ns - first.wall_ns - age_ns
        return age_ns >= self._segment_ns or abs(drift_ns) > DRIFT_NS
