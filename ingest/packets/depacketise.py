"""Depacketises H.264 (RFC 6184) and H.265 (RFC 7798) into access units in Annex B, in decoding
order. Pure.

A unit ends with the marker, or when the timestamp changes. An incomplete unit is dropped and
counted. Later units are passed on although they depend on it; only the next keyframe repairs the
picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, overload

from ingest.packets import nal, rtp
from ingest.packets.fragmentation_units import COLLECTORS
from ingest.packets.native.depacketiser import (
    KEY,
    STARTS_KNOWN,
    DepacketisedBatch,
    NativeDepacketiser,
    unavailable_reason,
)

_CHECKED_FIRST, _CHECKED_EVERY = 8, 64
"""Embedded start codes are searched in so many first pictures, and then in every so many-th one."""
_MOST_KEPT_BYTES = 256 << 10
"""The most of a picture that waits unprocessed for its end. A larger part is processed packet by
packet.
"""


class AccessUnit(NamedTuple):
    """One picture with its parameter sets and SEI: `data` in Annex B, and its RTP timestamp."""

    stamp: int
    data: bytes
    is_key: bool
    """Whether decoding can begin at it, by its first slice."""
    starts: Sequence[int] = ()
    """The start codes, as in `domain.media.packets.Packet`."""


class Units(Sequence[AccessUnit]):
    """Access units in columns. Most are passed on together and are never needed one by one."""

    def __init__(self) -> None:
        self.stamps: list[int] = []
        self.ends: list[int] = []
        """The end of each unit in `data`."""
        self.flags: list[int] = []
        """The flags of each unit: `KEY`, and `STARTS_KNOWN` if the positions of its start codes are
        known.
        """
        self.starts: list[int] = []
        """The start code positions of all NAL units in `data`."""
        self.starts_ends: list[int] = []
        """The end of each unit's part of `starts`."""
        self._pieces: list[bytes] = []

    def __len__(self) -> int:
        return len(self.stamps)

    @property
    def data(self) -> bytes:
        """The concatenated units."""
        if len(self._pieces) != 1:
            self._pieces = [b"".join(self._pieces)]
        return self._pieces[0]

    def append(self, unit: AccessUnit) -> None:
        self.extend(
            [unit.stamp],
            [len(unit.data)],
            [len(unit.starts)],
            [KEY * unit.is_key | STARTS_KNOWN * bool(unit.starts)],
            unit.starts,
            unit.data,
        )

    def extend(
        self,
        stamps: list[int],
        ends: list[int],
        starts_ends: list[int],
        flags: list[int],
        starts: Sequence[int],
        data: bytes,
    ) -> None:
        """Append several units, whose ends and starts count from the first of them."""
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
        """Return the units from `first` to before `last`: their bytes, their ends in those, and the
        starts of their NAL units. The starts are empty if those of one unit are unknown.
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
            if self.flags[at] & STARTS_KNOWN
            else ()
        )
        return AccessUnit(
            self.stamps[at], self.data[begin : self.ends[at]], self.flags[at] & KEY != 0, starts
        )


class AccessUnits:
    """Depacketises the packets of one stream in the order of their arrival."""

    def __init__(self, codec: str, payload_type: int, channel: int = 0) -> None:
        self.ready = Units()
        """The whole units, which the reader removes."""
        self.received_packets = 0
        self.foreign_packets = 0
        """The number of packets with another payload type than the stream's."""
        self.broken_units = 0
        self.lost_packets = 0
        self.highest_sequence = 0
        """The newest sequence number, extended beyond its 16 bits."""
        self.ssrc = 0
        self._payload_type = payload_type
        self._pieces = COLLECTORS[codec]()
        self._native = (
            None if unavailable_reason() else NativeDepacketiser(codec, payload_type, channel)
        )
        self._next: int | None = None
        self._stamp: int | None = None
        self._marked_stamp: int | None = None
        self._has_marks = True
        self._is_broken = False
        self._is_headless = False
        self._is_remainder = False
        self._closed = 0
        self._has_embedded_start_codes = False
        """Whether NAL units contain start codes, because some cameras send several units as one."""

    def put(self, buffer: bytes | bytearray, start: int, stop: int) -> None:
        """Process the RTP packet in `buffer[start:stop]`; one that is damaged or of another payload
        type is skipped.
        """
        self.received_packets += 1
        if stop - start <= rtp.HEADER.size:
            return
        flags, kind, sequence, stamp, ssrc = rtp.HEADER.unpack_from(buffer, start)
        if kind & 0x7F != self._payload_type and ssrc != self.ssrc:  # of another stream
            self.foreign_packets += 1
            return
        is_after_gap = sequence != self._next and self._on_sequence_gap(sequence, ssrc)
        self._next = sequence + 1 & 0xFFFF
        self.highest_sequence += 1
        if kind & 0x7F != self._payload_type:
            self.foreign_packets += 1
            return
        if stamp != self._stamp:
            self._start_unit(stamp, is_after_gap)
        if flags == rtp.PLAIN:
            start += 12
        else:
            start, stop = rtp.payload_bounds(buffer, start, stop)
        if start < stop and not (self._pieces.add(buffer, start, stop) and self._pieces.has_room()):
            self._is_broken = True
        if kind & 0x80 and self._has_marks and (self._pieces.has_slice or self._is_broken):
            self._close()
            self._marked_stamp = stamp

    def consume_pictures(self, buffer: bytearray, at: int, end: int) -> tuple[int, bool]:
        """Process the packets of as many whole pictures from `at` on as possible, interleaved
        framing included. They must be the next packets, in order and without extensions, as nearly
        all are.

        The result is the same as that of `put`, by compiled code; without that code nothing is
        processed. Return the position of the first packet that was not processed, and whether it
        should wait for the end of its picture.
        """
        if (
            self._native is None
            or self._stamp is not None
            or self._next is None
            or self._is_broken
            or not self._has_marks
        ):
            return at, False
        taken = self._native.take(buffer, at, end, self._next, self.ssrc, self._marked_stamp)
        if taken is not None:
            self._append(taken)
            self._next = self._next + taken.packets & 0xFFFF
            at = taken.at
        return at, self._native.is_cut and end - at <= _MOST_KEPT_BYTES

    def _append(self, taken: DepacketisedBatch) -> None:
        """Append the pictures that compiled code has processed."""
        table, data = taken.table, taken.data
        stamps, ends, starts_ends, flags = table[0::4], table[1::4], table[2::4], table[3::4]
        for at in self._to_check(len(stamps)):
            begin, first = (ends[at - 1], starts_ends[at - 1]) if at else (0, 0)
            if self._check_embedded_start_codes(data[begin : ends[at]], starts_ends[at] - first):
                flags[at:] = [own & ~STARTS_KNOWN for own in flags[at:]]
        self.ready.extend(stamps, ends, starts_ends, flags, taken.starts, data)
        self._marked_stamp = stamps[-1]
        self.highest_sequence += taken.packets
        self.received_packets += taken.packets

    def flush(self) -> None:
        """End the stream. The rest is a unit if units end without a marker; otherwise it is a part
        of one.
        """
        self._is_broken = self._is_broken or (self._has_marks and self._marked_stamp is not None)
        if self._pieces.has_slice:
            self._close()

    def _on_sequence_gap(self, sequence: int, ssrc: int) -> bool:
        """Handle an unexpected sequence number. Return True if packets are missing, False if
        another stream begins.
        """
        missing = 0 if self._next is None or ssrc != self.ssrc else sequence - self._next & 0xFFFF
        is_anew = not 0 < missing <= rtp.MAX_GAP
        if is_anew:
            self.ssrc, self.highest_sequence = ssrc, sequence - 1
        else:
            self.lost_packets += missing
            self.highest_sequence += missing
        self._is_broken = self._is_broken or bool(self._pieces)
        return not is_anew

    def _start_unit(self, stamp: int, is_after_gap: bool) -> None:
        """Start the next picture. Parameter sets with a timestamp of their own belong to it."""
        if self._pieces.has_slice or self._is_broken:
            self._close()
        self._is_headless = self._is_headless or is_after_gap
        self._is_remainder = stamp == self._marked_stamp
        self._stamp = stamp

    def _close(self) -> None:
        pieces = self._pieces
        if not pieces.begins_picture:
            # The picture's first slice was lost, or an early marker ended the unit before it. In
            # the second case markers are meaningless in this stream.
            self._is_broken = self._is_broken or self._is_headless or self._is_remainder
            self._has_marks = self._has_marks and (self._is_headless or not self._is_remainder)
        if self._is_broken or pieces.is_open or self._stamp is None:
            self.broken_units += 1
        else:
            data = b"".join(pieces.parts)
            for _ in self._to_check(1):
                self._check_embedded_start_codes(data, len(pieces.starts))
            starts = () if self._has_embedded_start_codes or not pieces.is_plain else pieces.starts
            self.ready.append(AccessUnit(self._stamp, data, pieces.is_key, starts))
        pieces.clear()
        self._is_broken = self._is_headless = self._is_remainder = False
        self._stamp = None

    def _to_check(self, count: int) -> list[int]:
        """Return which of the next `count` units to check; mostly none."""
        before, self._closed = self._closed, self._closed + count
        if self._has_embedded_start_codes:
            return [0]
        if before >= _CHECKED_FIRST and before // _CHECKED_EVERY == self._closed // _CHECKED_EVERY:
            return []
        return [
            at
            for at in range(count)
            if before + at < _CHECKED_FIRST or not (before + at + 1) % _CHECKED_EVERY
        ]

    def _check_embedded_start_codes(self, data: bytes, nal_units: int) -> bool:
        """Whether this unit, or an earlier one, contains start codes within its NAL units."""
        self._has_embedded_start_codes = (
            self._has_embedded_start_codes or data.count(nal.START_CODE[1:]) != nal_units
        )
        return self._has_embedded_start_codes
