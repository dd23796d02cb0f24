"""RTP payloads into access units in Annex B: H.264 (RFC 6184) and H.265 (RFC 7798), in decoding
order. Pure.

A unit ends with the marker, or where the time stamp changes. One of which a piece is missing is
dropped and counted; what follows it is given out as it comes, as cameras send it: only the next
keyframe mends the pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, overload

from ingest.packets import nal, rtp
from ingest.packets.fragmentation_units import PIECES
from ingest.packets.native.depacketiser import AS_IT_IS, KEY, Taking, why_not

_LOOKED_AT, _EVERY = 8, 64
"""Of how many pictures in a row, from the first on, and of which of those that follow, it is
seen whether NAL units hold start codes.
"""


class AccessUnit(NamedTuple):
    """One picture with what belongs to it: `data` in Annex B, and the RTP time stamp it carried."""

    stamp: int
    data: bytes
    is_key: bool
    """Its first slice is one of a picture that decoding can begin at."""
    starts: Sequence[int] = ()
    """See `domain.media.packets.Packet`."""


class Units(Sequence[AccessUnit]):
    """Access units in order, in columns: most go on together as they came, and are never needed
    one by one.
    """

    def __init__(self) -> None:
        self.stamps: list[int] = []
        self.ends: list[int] = []
        """Where each ends in `data`."""
        self.flags: list[int] = []
        """`KEY`; `AS_IT_IS`: its NAL units' starts are known."""
        self.starts: list[int] = []
        """Of all NAL units, in `data`."""
        self.starts_ends: list[int] = []
        """Where those of each end in `starts`."""
        self._pieces: list[bytes] = []

    def __len__(self) -> int:
        return len(self.stamps)

    @property
    def data(self) -> bytes:
        """All bytes, one unit behind the other."""
        if len(self._pieces) != 1:
            self._pieces = [b"".join(self._pieces)]
        return self._pieces[0]

    def append(self, unit: AccessUnit) -> None:
        self.take(
            [unit.stamp],
            [len(unit.data)],
            [len(unit.starts)],
            [KEY * unit.is_key | AS_IT_IS * bool(unit.starts)],
            unit.starts,
            unit.data,
        )

    def take(
        self,
        stamps: list[int],
        ends: list[int],
        starts_ends: list[int],
        flags: list[int],
        starts: Sequence[int],
        data: bytes,
    ) -> None:
        """Several, whose ends and starts count from the first of them."""
        base, starts_base = self.ends[-1] if self.ends else 0, len(self.starts)
        self.stamps += stamps
        self.flags += flags
        self.ends += [base + end for end in ends] if base else ends
        self.starts_ends += (
            [starts_base + end for end in starts_ends] if starts_base else starts_ends
        )
        self.starts += [base + start for start in starts] if base else starts
        self._pieces.append(data)

    def part(self, first: int, last: int) -> tuple[bytes, Sequence[int], Sequence[int]]:
        """Of the units `first` to `last`, the latter not included: their bytes; where in those each
        ends; the starts of their NAL units, or none where those of one are not known.
        """
        begin, starts_begin = (
            (self.ends[first - 1], self.starts_ends[first - 1]) if first else (0, 0)
        )
        ends = self.ends if last - first == len(self.ends) else self.ends[first:last]
        are_known = 0 not in self.flags[first:last] and KEY not in self.flags[first:last]
        starts = self.starts[starts_begin : self.starts_ends[last - 1]] if are_known else []
        if not begin:
            return self.data[: ends[-1]], ends, starts
        return (
            self.data[begin : ends[-1]],
            [end - begin for end in ends],
            [start - begin for start in starts],
        )

    @overload
    def __getitem__(self, at: int) -> AccessUnit: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[AccessUnit]: ...

    def __getitem__(self, at: int | slice) -> AccessUnit | Sequence[AccessUnit]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        at = range(len(self))[at]
        begin, first = (self.ends[at - 1], self.starts_ends[at - 1]) if at else (0, 0)
        starts = (
            [start - begin for start in self.starts[first : self.starts_ends[at]]]
            if self.flags[at] & AS_IT_IS
            else ()
        )
        return AccessUnit(
            self.stamps[at], self.data[begin : self.ends[at]], self.flags[at] & KEY != 0, starts
        )


class AccessUnits:
    """One stream's packets, in the order of their arrival, into access units."""

    def __init__(self, codec: str, payload_type: int, channel: int = 0) -> None:
        self.ready = Units()
        """Whole units; the reader takes them out."""
        self.received_packets = 0
        self.foreign_packets = 0
        """Those of another payload type than the stream's."""
        self.broken_units = 0
        self.lost_packets = 0
        self.highest_sequence = 0
        """The newest sequence number, with wraps above its 16 bits."""
        self.ssrc = 0
        self._payload_type = payload_type
        self._pieces = PIECES[codec]()
        self._taking = None if why_not() else Taking(codec, payload_type, channel)
        self._next: int | None = None
        self._stamp: int | None = None
        self._marked_stamp: int | None = None
        self._has_marks = True
        self._is_broken = False
        self._is_headless = False
        self._is_rest = False
        self._closed = 0
        self._hides_codes = False
        """Its NAL units hold start codes: some cameras send several as one."""

    def put(self, buffer: bytes | bytearray, start: int, stop: int) -> None:
        """Take the RTP packet in `buffer[start:stop]`; one that is damaged or of another
        payload type is passed over.
        """
        self.received_packets += 1
        if stop - start <= rtp.HEADER.size:
            return
        flags, kind, sequence, stamp, ssrc = rtp.HEADER.unpack_from(buffer, start)
        is_after_gap = sequence != self._next and self._gap(sequence, ssrc)
        self._next = sequence + 1 & 0xFFFF
        self.highest_sequence += 1
        if kind & 0x7F != self._payload_type:
            self.foreign_packets += 1
            return
        if stamp != self._stamp:
            self._turn_to(stamp, is_after_gap)
        if flags == rtp.PLAIN:
            start += 12
        else:
            start, stop = rtp.payload_bounds(buffer, start, stop)
        if start < stop and not (self._pieces.add(buffer, start, stop) and self._pieces.has_room()):
            self._is_broken = True
        if kind & 0x80 and self._has_marks and (self._pieces.has_slice or self._is_broken):
            self._close()
            self._marked_stamp = stamp

    def go_on(self, buffer: bytearray, at: int, end: int) -> int:
        """Take the packets of as many pictures as lie whole from `at` on in the connection's bytes,
        framing and all, and are what they most likely are: the next ones, plain, in order. Nearly
        all that come are.

        What is done with them is what `put` does, in compiled code; without that nothing is taken.
        Returns where the first packet lies that is another, or whose picture is not whole.
        """
        if (
            self._taking is None
            or self._stamp is not None
            or self._next is None
            or self._is_broken
            or not self._has_marks
        ):
            return at
        taken = self._taking.take(buffer, at, end, self._next, self.ssrc, self._marked_stamp)
        if taken is None:
            return at
        table, data = taken.table, taken.data
        stamps, ends, starts_ends, flags = table[0::4], table[1::4], table[2::4], table[3::4]
        for at in self._to_be_looked_at(len(stamps)):
            begin, first = (ends[at - 1], starts_ends[at - 1]) if at else (0, 0)
            if self._hides(data[begin : ends[at]], starts_ends[at] - first):
                flags[at:] = [own & ~AS_IT_IS for own in flags[at:]]
        self.ready.take(stamps, ends, starts_ends, flags, taken.starts, data)
        self._marked_stamp = stamps[-1]
        self.highest_sequence += taken.packets
        self.received_packets += taken.packets
        self._next = self._next + taken.packets & 0xFFFF
        return taken.at

    def flush(self) -> None:
        """The stream is over. What is left is a unit where units end without a marker, else a
        part of one.
        """
        self._is_broken = self._is_broken or (self._has_marks and self._marked_stamp is not None)
        if self._pieces.has_slice:
            self._close()

    def _gap(self, sequence: int, ssrc: int) -> bool:
        """A packet that is not the next one: some are missing (True), or another stream begins."""
        missing = 0 if self._next is None or ssrc != self.ssrc else sequence - self._next & 0xFFFF
        is_anew = not 0 < missing <= rtp.MAX_GAP
        if is_anew:
            self.ssrc, self.highest_sequence = ssrc, sequence - 1
        else:
            self.lost_packets += missing
            self.highest_sequence += missing
        self._is_broken = self._is_broken or bool(self._pieces)
        return not is_anew

    def _turn_to(self, stamp: int, is_after_gap: bool) -> None:
        """A packet of another picture; parameter sets that came under a stamp of their own
        belong to it.
        """
        if self._pieces.has_slice or self._is_broken:
            self._close()
        self._is_headless = self._is_headless or is_after_gap
        self._is_rest = stamp == self._marked_stamp
        self._stamp = stamp

    def _close(self) -> None:
        pieces = self._pieces
        if not pieces.begins_picture:
            # The picture's first slice was lost, or was given out under a marker that came too
            # early: then markers say nothing here.
            self._is_broken = self._is_broken or self._is_headless or self._is_rest
            self._has_marks = self._has_marks and (self._is_headless or not self._is_rest)
        if self._is_broken or pieces.is_open or self._stamp is None:
            self.broken_units += 1
        else:
            data = b"".join(pieces.parts)
            for _ in self._to_be_looked_at(1):
                self._hides(data, len(pieces.starts))
            starts = () if self._hides_codes or not pieces.is_plain else pieces.starts
            self.ready.append(AccessUnit(self._stamp, data, pieces.is_key, starts))
        pieces.clear()
        self._is_broken = self._is_headless = self._is_rest = False
        self._stamp = None

    def _to_be_looked_at(self, count: int) -> list[int]:
        """Which of the next `count` units: none, mostly."""
        before, self._closed = self._closed, self._closed + count
        if self._hides_codes:
            return [0]
        if before >= _LOOKED_AT and before // _EVERY == self._closed // _EVERY:
            return []
        return [
            at for at in range(count) if before + at < _LOOKED_AT or not (before + at + 1) % _EVERY
        ]

    def _hides(self, data: bytes, nal_units: int) -> bool:
        """Whether this unit, or one before it, holds start codes within its NAL units."""
        self._hides_codes = self._hides_codes or data.count(nal.START_CODE[1:]) != nal_units
        return self._hides_codes
