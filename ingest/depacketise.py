"""RTP payloads into access units in Annex B: H.264 (RFC 6184) and H.265 (RFC 7798), in decoding order. Pure.

A unit ends with the marker, or where the time stamp changes. One of which a piece is missing is dropped and counted; what follows it is
given out as it comes, as cameras send it: only the next keyframe mends the pictures.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from ingest import rtp
from ingest.nal_pieces import PIECES

_FRAMED = struct.Struct(">IHHQI")
"""A packet as it lies in the connection: framing; flags, marker and type; number; time stamp and SSRC; the payload's first four bytes."""
_MOST_GAP = 3000
"""A leap of sequence numbers beyond this is a counter that began anew (RFC 3550, A.1), and no loss that can be counted."""


class AccessUnit(NamedTuple):
    """One picture with what belongs to it: `data` in Annex B, and the RTP time stamp it carried."""

    stamp: int
    data: bytes


class AccessUnits:
    """One stream's packets, in the order of their arrival, into access units."""

    def __init__(self, codec: str, payload_type: int, channel: int = 0) -> None:
        self.ready: list[AccessUnit] = []
        """Whole units; the reader takes them out."""
        self.broken_units = 0
        self.lost_packets = 0
        self.highest_sequence = 0
        """The newest sequence number, with wraps above its 16 bits."""
        self.ssrc = 0
        self._payload_type = payload_type
        self._framing = 0x2400 | channel
        self._pieces = PIECES[codec]()
        self._next: int | None = None
        self._stamp: int | None = None
        self._marked_stamp: int | None = None
        self._has_marks = True
        self._is_broken = False
        self._is_headless = False
        self._is_rest = False

    def put(self, buffer: bytearray, start: int, stop: int) -> None:
        """Take the RTP packet in `buffer[start:stop]`; one that is damaged or of another payload type is passed over."""
        if stop - start <= rtp.HEADER.size:
            return
        flags, kind, sequence, stamp, ssrc = rtp.HEADER.unpack_from(buffer, start)
        is_after_gap = sequence != self._next and self._gap(sequence, ssrc)
        self._next = sequence + 1 & 0xFFFF
        self.highest_sequence += 1
        if kind & 0x7F != self._payload_type:
            return
        if stamp != self._stamp:
            self._turn_to(stamp, is_after_gap)
        if flags == rtp.PLAIN:
            start += 12
        else:
            start, stop = rtp.payload_bounds(buffer, start, stop)
        if start < stop and not self._pieces.add(buffer, start, stop):
            self._is_broken = True
        if kind & 0x80 and self._has_marks and (self._pieces.has_slice or self._is_broken):
            self._close()
            self._marked_stamp = stamp

    def go_on(self, buffer: bytearray, at: int, end: int) -> int:
        """Take from `at` on the packets that are fragments from the middle of the open NAL unit: nine of ten that come.

        They are alike but for their numbers, so they are told by comparing whole numbers. Returns where the first lies that is another.
        """
        pieces, stamp, number = self._pieces, self._stamp, self._next
        if not pieces.is_open or stamp is None or number is None or end - at < _FRAMED.size:
            return at
        began, shift = at, pieces.middle_shift
        framing, head, _, stream, first = _FRAMED.unpack_from(buffer, at)
        size = 4 + (framing & 0xFFFF)
        is_alike = head == rtp.PLAIN << 8 | self._payload_type and stream == stamp << 32 | self.ssrc and size > _FRAMED.size
        if not is_alike or framing >> 16 != self._framing or first >> shift != pieces.middle:
            return at
        payload, append, unpack = 16 + pieces.header_bytes + 1, pieces.parts.append, _FRAMED.unpack_from
        while at + size <= end:
            next_framing, next_head, next_number, next_stream, first = unpack(buffer, at)
            is_alike = next_number == number and next_stream == stream and next_framing == framing
            if not is_alike or next_head != head or first >> shift != pieces.middle:
                break
            append(buffer[at + payload : at + size])
            at += size
            number = number + 1 & 0xFFFF
        self._next = number
        self.highest_sequence += (at - began) // size
        self._is_broken = not pieces.has_room(at - began) or self._is_broken
        return at

    def flush(self) -> None:
        """The stream is over. What is left is a unit where units end without a marker, else a part of one."""
        self._is_broken = self._is_broken or (self._has_marks and self._marked_stamp is not None)
        if self._pieces.has_slice:
            self._close()

    def _gap(self, sequence: int, ssrc: int) -> bool:
        """A packet that is not the next one: some are missing (True), or another stream begins."""
        missing = 0 if self._next is None or ssrc != self.ssrc else sequence - self._next & 0xFFFF
        is_anew = not 0 < missing <= _MOST_GAP
        if is_anew:
            self.ssrc, self.highest_sequence = ssrc, sequence - 1
        else:
            self.lost_packets += missing
            self.highest_sequence += missing
        self._is_broken = self._is_broken or bool(self._pieces)
        return not is_anew

    def _turn_to(self, stamp: int, is_after_gap: bool) -> None:
        """A packet of another picture; parameter sets that came under a stamp of their own belong to it."""
        if self._pieces.has_slice or self._is_broken:
            self._close()
        self._is_headless = self._is_headless or is_after_gap
        self._is_rest = stamp == self._marked_stamp
        self._stamp = stamp

    def _close(self) -> None:
        pieces = self._pieces
        if not pieces.begins_picture:
            # The picture's first slice was lost, or was given out under a marker that came too early: then markers say nothing here.
            self._is_broken = self._is_broken or self._is_headless or self._is_rest
            self._has_marks = self._has_marks and (self._is_headless or not self._is_rest)
        if self._is_broken or pieces.is_open or self._stamp is None:
            self.broken_units += 1
        else:
            self.ready.append(AccessUnit(self._stamp, pieces.joined()))
        pieces.clear()
        self._is_broken = self._is_headless = self._is_rest = False
        self._stamp = None
