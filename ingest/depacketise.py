"""RTP payloads into access units in Annex B: H.264 (RFC 6184) and H.265 (RFC 7798), in decoding order. Pure.

A unit ends with the marker, or where the time stamp changes. One of which a piece is missing is dropped and counted; what follows it is
given out as it comes, as cameras send it: only the next keyframe mends the pictures.
"""

from __future__ import annotations

from typing import NamedTuple

from ingest import rtp
from ingest.nal import START_CODE
from ingest.nal_pieces import FIRST, FRAGMENT, LAST, PIECES, SINGLE

_MARKED = 0x80


class AccessUnit(NamedTuple):
    """One picture with what belongs to it: `data` in Annex B, and the RTP time stamp it carried."""

    stamp: int
    data: bytes
    is_key: bool
    """Its first slice is one of a picture that decoding can begin at."""


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
        if start < stop and not self._pieces.add(buffer, start, stop):
            self._is_broken = True
        if kind & 0x80 and self._has_marks and (self._pieces.has_slice or self._is_broken):
            self._close()
            self._marked_stamp = stamp

    def go_on(self, buffer: bytearray, at: int, end: int) -> int:
        """Take the packets that lie from `at` on in the connection's bytes, framing and all, as long as each is the next and a plain one.

        Nearly all that come are, so this is written to be quick: what it does with one is what `put` does. Returns where the first lies
        that is another, or not whole.
        """
        number, pieces = self._next, self._pieces
        if number is None:
            return at
        own_framing, ssrc, plain = self._framing, self.ssrc, rtp.PLAIN << 8 | self._payload_type
        marked, framed, forms, data = plain | _MARKED, pieces.framed, pieces.forms, pieces.fragment_at
        unpack, last, first_number, added_bytes = framed.unpack_from, end - framed.size, number, 0
        while at <= last:
            framing, size, head, came, stamp, source, first, fragment = unpack(buffer, at)
            stop = at + 4 + size
            is_next = came == number and framing == own_framing and source == ssrc and head in (plain, marked)
            if not is_next or stop > end or stop - at < framed.size:
                break
            if stamp != self._stamp:
                self._turn_to(stamp, False)
            form = forms[first]
            if form == FRAGMENT and pieces.is_open and not fragment & FIRST:
                pieces.parts.append(buffer[at + data : stop])
                added_bytes += size
                pieces.is_open = not fragment & LAST
            elif form == SINGLE and pieces.has_slice and not pieces.is_open:
                pieces.parts += (START_CODE, buffer[at + 16 : stop])
                added_bytes += size
            elif not pieces.add(buffer, at + 16, stop):
                self._is_broken = True
            if head == marked and self._has_marks and (pieces.has_slice or self._is_broken):
                self._close()
                self._marked_stamp = stamp
                added_bytes = 0
            number = number + 1 & 0xFFFF
            at = stop
        self._next = number
        self.highest_sequence += number - first_number & 0xFFFF
        self._is_broken = not pieces.has_room(added_bytes) or self._is_broken
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
            self.ready.append(AccessUnit(self._stamp, pieces.joined(), pieces.is_key))
        pieces.clear()
        self._is_broken = self._is_headless = self._is_rest = False
        self._stamp = None
