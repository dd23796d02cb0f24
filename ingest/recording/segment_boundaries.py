"""Where the recording is cut into segments: rules on packet times alone, so that they can be tested
without a file.

Segments begin at keyframes. A reason to cut that comes between two keyframes waits for the next
one; only where packets cannot go into the same file (a new session, time going back, a hole) do
they wait for a keyframe unrecorded, and are counted as lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from domain.clock import NS_PER_S
from domain.media.packet_batch import PacketBatch, PacketOrBatch
from domain.media.packets import Packet, ticks_to_ns
from storage.recordings.packet_coverage import HOLE_NS, LEARNT_PART, LONGEST_USUAL_NS, UNUSUAL

DRIFT_NS = NS_PER_S // 5
"""Wall times and `pts` of one segment may disagree by this much: times in a file come from
`pts`.
"""


class BoundaryDecision(Enum):
    """What is to be done with a packet."""

    APPEND = auto()
    START = auto()  # a new segment begins with it
    WAIT = auto()  # no file can take it; the next keyframe starts one


@dataclass(frozen=True, slots=True)
class Verdict:
    place: BoundaryDecision
    joins: bool = True
    """For START: nothing is missing between the segment before and this packet."""


def decode_wall_ns(packet: Packet) -> int:
    """The wall time of a packet's `dts`: rises from packet to packet also where pictures are
    reordered.
    """
    return packet.wall_ns - ticks_to_ns(packet.pts - packet.dts, packet.stream.time_base)


def _end_of(last: PacketOrBatch) -> tuple[int, int]:
    """The `dts` of the last packet, and the wall time of that."""
    return (
        (last.pts[-1], last.walls_ns[-1])
        if isinstance(last, PacketBatch)
        else (last.dts, decode_wall_ns(last))
    )


class SegmentBoundaries:
    """Decides packet by packet; remembers the segment that is open, if any."""

    def __init__(self, segment_s: float) -> None:
        self._segment_ns = round(segment_s * NS_PER_S)
        self._first: Packet | None = None
        self._last: PacketOrBatch | None = None
        self._usual_ns = 0.0
        self._is_due = False

    def forget(self) -> None:
        """The open segment is closed; the next keyframe starts another."""
        self._first = self._last = None

    def place(self, packet: Packet) -> Verdict:
        """Where `packet` goes; it is taken to have gone there."""
        verdict = self._verdict(packet)
        if verdict.place is BoundaryDecision.WAIT:
            self.forget()
            return verdict
        if verdict.place is BoundaryDecision.START:
            self._first, self._is_due = packet, False
        self._last = packet
        return verdict

    def goes_on(self, run: PacketBatch) -> bool:
        """Whether all of `run` plainly follows in the open segment. It is then taken to have gone
        there, as if `place` had said APPEND of each of its packets. All that is odd is left to it.
        """
        last = self._last
        if self._first is None or last is None or run.stream is not last.stream:
            return False
        (dts, wall_ns), usual_ns = _end_of(last), self._usual_ns
        scale, base = run.stream.time_base.numerator * NS_PER_S, run.stream.time_base.denominator
        for own_dts, own_ns in zip(run.pts, run.walls_ns, strict=True):
            interval_ns = (own_dts - dts) * scale // base
            if not 0 < interval_ns <= HOLE_NS or own_ns - wall_ns > HOLE_NS:
                return False
            usual_ns += (interval_ns - usual_ns) / LEARNT_PART if usual_ns else interval_ns
            dts, wall_ns = own_dts, own_ns
        self._last, self._usual_ns = run, usual_ns
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
        self._is_due = self._is_due or is_set
        if packet.is_keyframe and (self._is_due or self._is_over(first, packet)):
            return Verdict(BoundaryDecision.START, joins=not is_set)
        return Verdict(BoundaryDecision.APPEND)

    def _learn(self, interval_ns: int) -> None:
        self._usual_ns += (
            (interval_ns - self._usual_ns) / LEARNT_PART if self._usual_ns else interval_ns
        )

    def _is_hole(self, interval_ns: int) -> bool:
        return interval_ns > max(HOLE_NS, UNUSUAL * (self._usual_ns or LONGEST_USUAL_NS))

    def _is_over(self, first: Packet, packet: Packet) -> bool:
        age_ns = ticks_to_ns(packet.pts - first.pts, packet.stream.time_base)
        drift_ns = packet.wall_ns - first.wall_ns - age_ns
        return age_ns >= self._segment_ns or abs(drift_ns) > DRIFT_NS
