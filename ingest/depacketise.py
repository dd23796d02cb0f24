"""RTP payloads into access units in Annex B: H.264 (RFC 6184) and H.265 (RFC 7798), in decoding order. Pure.

A unit ends with the marker, or where the time stamp changes. One of which a piece is missing is dropped and counted; what follows it is
given out as it comes, as cameras send it: only the next keyframe mends the pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ingest import nal, rtp
from ingest.nal_pieces import PIECES
from ingest.native.taking import AS_IT_IS, KEY, Taking, why_not

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

    def go_on(self, buffer: bytearray, at: int, end: int) -> int:
        """Take the packets of as many pictures as lie whole from `at` on in the connection's bytes, framing and all, and are what they most
        likely are: the next ones, plain, in order. Nearly all that come are.

        What is done with them is what `put` does, in compiled code; without that nothing is taken. Returns where the first packet lies that
        is another, or whose picture is not whole.
        """
        if self._taking is None or self._stamp is not None or self._next is None or self._is_broken or not self._has_marks:
            return at
        taken = self._taking.take(buffer, at, end, self._next, self.ssrc, self._marked_stamp)
        if taken is None:
            return at
        begin = first = 0
        flat = iter(taken.table)
        for stamp, stop, last, flags in zip(flat, flat, flat, flat, strict=True):
            starts = [start - begin for start in taken.starts[first:last]]
            self._give(stamp, taken.data[begin:stop], flags & KEY != 0, starts, flags & AS_IT_IS != 0)
            begin, first, self._marked_stamp = stop, last, stamp
        self.highest_sequence += taken.packets
        self._next = self._next + taken.packets & 0xFFFF
        return taken.at

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
            self._give(self._stamp, b"".join(pieces.parts), pieces.is_key, pieces.starts, pieces.is_plain)
        pieces.clear()
        self._is_broken = self._is_headless = self._is_rest = False
        self._stamp = None

    def _give(self, stamp: int, data: bytes, is_key: bool, starts: Sequence[int], is_plain: bool) -> None:
        self._closed += 1
        if self._closed <= _LOOKED_AT or not self._closed % _EVERY:
            self._hides_codes = self._hides_codes or data.count(nal.START_CODE[1:]) != len(starts)
        self.ready.append(_new(AccessUnit, (stamp, data, is_key, () if self._hides_codes or not is_plain else starts)))
