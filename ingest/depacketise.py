"""RTP payloads into access units in Annex B: H.264 (RFC 6184) and H.265 (RFC 7798), in decoding order. Pure.

A unit ends with the marker, or where the time stamp changes. One of which a piece is missing is dropped and counted; what follows it is
given out as it comes, as cameras send it: only the next keyframe mends the pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ingest import nal, rtp
from ingest.nal_pieces import BEGIN, END, PIECES, SEVERAL, SINGLE, same_as

_MARKED = 0x80
_new = tuple.__new__
"""A named tuple's own takes longer than all else that ends a picture."""
_LOOKED_AT, _EVERY = 8, 64
"""Of how many pictures in a row, from the first on, and of which of those that follow, it is seen whether NAL units hold start codes."""


class AccessUnit(NamedTuple):
    """One picture with what belongs to it: `data` in Annex B, and the RTP time stamp it carried."""

    stamp: int
    data: bytes
    is_key: bool
    """Its first slice is one of a picture that decoding can begin at."""
    starts: Sequence[int] = ()
    """See `domain.media.Packet`."""


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
        self._closed = 0
        self._hides_codes = False
        """Its NAL units hold start codes: some cameras send several as one."""

    def put(self, buffer: bytes | bytearray, start: int, stop: int) -> None:
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
        if start < stop and not (self._pieces.add(buffer, start, stop) and self._pieces.has_room()):
            self._is_broken = True
        if kind & 0x80 and self._has_marks and (self._pieces.has_slice or self._is_broken):
            self._close()
            self._marked_stamp = stamp

    def go_on(self, buffer: bytearray, at: int, end: int) -> int:  # noqa: C901 - one loop, since a call for each packet is what costs
        """Take the packets that lie from `at` on in the connection's bytes, framing and all, as long as each is what it most likely is:
        the next, plain, and a NAL unit or a piece of one that goes on where the last one ended.

        Nearly all that come are, so this is written to be quick: what it does with one is what `put` does. Returns where the first lies
        that is another, or not whole.
        """
        pieces = self._pieces
        if self._next is None or self._is_broken:
            return at
        unpack, kinds, data_at, parts, is_open = pieces.framed.unpack_from, pieces.kinds, pieces.data_at, pieces.parts, pieces.is_open
        starts, size_bytes = pieces.starts, pieces.size_bytes
        plain, framing, last, least = rtp.PLAIN << 8 | self._payload_type, self._framing, end - pieces.framed.size, data_at - 2
        number, marked = self._next, plain | _MARKED
        now = -1 if self._stamp is None else self._stamp << 32 | self.ssrc
        while at <= last:
            channel, size, flags, came, source, what = unpack(buffer, at)
            stop = at + 4 + size
            if came != number or channel != framing or (flags != plain and flags != marked) or stop > end or size < least:
                break
            if source != now:
                if parts or source & 0xFFFFFFFF != self.ssrc:
                    break
                now = source
                self._turn_to(source >> 32, False)
            form, slice_kind, prefix, middle = kinds[what]
            if form <= END:
                if not is_open:
                    break
                parts.append(buffer[at + data_at : stop])
                size_bytes += stop - at - data_at
                if form == END:
                    is_open = False
                    if not buffer[stop - 1]:
                        pieces.is_plain = False
            elif is_open:
                break
            elif form == BEGIN:
                if slice_kind > pieces.has_slice:
                    pieces.saw(slice_kind, buffer[at + data_at])
                starts.append(size_bytes)
                parts += (prefix, buffer[at + data_at : stop])
                size_bytes += stop - at - 13
                is_open = True
            elif form == SINGLE:
                if slice_kind > pieces.has_slice:
                    pieces.saw(slice_kind, buffer[at + data_at - 1])
                if not buffer[stop - 1]:
                    pieces.is_plain = False
                starts.append(size_bytes)
                parts += (prefix, buffer[at + 16 : stop])
                size_bytes += size - 8
            else:
                pieces.is_open, pieces.size_bytes = False, size_bytes
                if not (pieces.add_several if form == SEVERAL else pieces.add)(buffer, at + 16, stop):
                    self._is_broken, last = True, 0
                size_bytes = pieces.size_bytes
            number += 1
            at = stop
            if flags == marked:
                pieces.is_open = is_open
                if self._has_marks and (pieces.has_slice or self._is_broken):
                    self._close()
                    self._marked_stamp = source >> 32
                    parts, starts, is_open, size_bytes, now = pieces.parts, pieces.starts, False, 0, -1
            elif form == BEGIN and at + 4 + size <= end and buffer[at + 3] == size & 0xFF:  # it goes on with more that are as long
                length, low, as_before = 4 + size, size & 0xFF, same_as(pieces.same, size - data_at + 4)
                while at + length <= end and buffer[at + 3] == low:
                    channel, long, flags, came, source, what, data = as_before.unpack_from(buffer, at)
                    if came != number or what != middle or flags != plain or long != size or source != now or channel != framing:
                        break
                    parts.append(data)
                    number += 1
                    at += length
                    size_bytes += length - data_at
        self.highest_sequence += number - self._next
        self._next = number & 0xFFFF
        pieces.is_open, pieces.size_bytes = is_open, size_bytes
        self._is_broken = not pieces.has_room() or self._is_broken
        return at

    def flush(self) -> None:
        """The stream is over. What is left is a unit where units end without a marker, else a part of one."""
        self._is_broken = self._is_broken or (self._has_marks and self._marked_stamp is not None)
        if self._pieces.has_slice:
            self._close()

    def _gap(self, sequence: int, ssrc: int) -> bool:
        """A packet that is not the next one: some are missing (True), or another stream begins."""
        missing = 0 if self._next is None or ssrc != self.ssrc else sequence - self._next & 0xFFFF
        is_anew = not 0 < missing <= rtp.MOST_GAP
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
            data = b"".join(pieces.parts)
            self._closed += 1
            if self._closed <= _LOOKED_AT or not self._closed % _EVERY:
                self._hides_codes = self._hides_codes or data.count(nal.START_CODE[1:]) != len(pieces.starts)
            starts = () if self._hides_codes or not pieces.is_plain else pieces.starts
            self.ready.append(_new(AccessUnit, (self._stamp, data, pieces.is_key, starts)))
        pieces.clear()
        self._is_broken = self._is_headless = self._is_rest = False
        self._stamp = None
