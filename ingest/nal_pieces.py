"""What RTP payloads of H.264 (RFC 6184, 5) and H.265 (RFC 7798, 4.4) hold of an access unit, collected until it is whole. Pure.

Packets come some hundred times a second from each camera, so this looks at a few bytes of each and copies the rest once.
"""

from __future__ import annotations

import struct

from ingest.nal import START_CODE

MOST_UNIT_BYTES = 16 << 20
FIRST, LAST = 0x80, 0x40
"""Of a fragment's header: the first, the last of its NAL unit."""
SINGLE, FRAGMENT = 1, 2
_SLICE, _KEY_SLICE = 1, 2
_FIRST_SLICE = 0x80
"""The bit behind a slice's NAL header that says the picture begins here: first_mb_in_slice is 0 (one bit, as ue(v)), or
first_slice_segment_in_pic_flag."""


class _Collected:
    """The NAL units so far, each behind its start code.

    `add` of the codecs takes a payload: False where it is damaged, of an unknown kind, or does not go on where the last one ended.
    """

    header_bytes: int
    slices: bytes
    """By a NAL unit's first header byte: 0, `_SLICE`, or `_KEY_SLICE`, of a picture that decoding can begin at (`nal.keyframe_head`)."""
    has_slice: bool
    begins_picture: bool
    """The first slice that came is the picture's first."""
    is_key: bool
    """That slice is of a picture that decoding can begin at."""
    is_open: bool
    """A fragmented NAL unit lacks its end."""
    framed: struct.Struct
    """Of a packet as it lies in the connection: channel, size; flags, marker and type; number, time stamp, SSRC; the payload's first byte,
    and, where it is a fragment, the header that says of what."""
    forms: bytes
    """By a payload's first byte: `SINGLE`, `FRAGMENT`, or 0."""
    fragment_at: int
    """How far after the framing a fragment's data begins."""

    def __init__(self) -> None:
        self.parts: list[bytes | bytearray] = []
        self._size_bytes = 0
        self.has_slice = self.begins_picture = self.is_key = self.is_open = False

    def __len__(self) -> int:
        return len(self.parts)

    def joined(self) -> bytes:
        """All of it, in Annex B."""
        return b"".join(self.parts)

    def clear(self) -> None:
        self.parts = []
        self._size_bytes = 0
        self.has_slice = self.begins_picture = self.is_key = self.is_open = False

    def _begin(self, header: int, after_header: int) -> None:
        """A NAL unit begins: its first header byte, and the first after the header."""
        if not self.has_slice and (what := self.slices[header]):
            self.has_slice = True
            self.is_key = what == _KEY_SLICE
            self.begins_picture = after_header & _FIRST_SLICE != 0

    def _whole(self, buffer: bytes | bytearray, start: int, stop: int) -> bool:
        if self.is_open or stop - start <= self.header_bytes:
            return False
        if not self.has_slice:
            self._begin(buffer[start], buffer[start + self.header_bytes])
        self.parts += (START_CODE, buffer[start:stop])
        return self.has_room(stop - start)

    def _several(self, buffer: bytes | bytearray, at: int, stop: int) -> bool:
        """An aggregate's NAL units, each behind two bytes of length."""
        if self.is_open:
            return at == stop
        parts, since, least = self.parts, at, 2 + self.header_bytes
        while at + 2 <= stop:
            end = at + 2 + (buffer[at] << 8 | buffer[at + 1])
            if end > stop or end - at <= least:
                break
            if not self.has_slice:
                self._begin(buffer[at + 2], buffer[at + least])
            parts += (START_CODE, buffer[at + 2 : end])
            at = end
        return self.has_room(at - since) and at == stop

    def has_room(self, added_bytes: int) -> bool:
        """Count what was added; False, and nothing is left, where the unit becomes too large to be one."""
        self._size_bytes += added_bytes
        if self._size_bytes > MOST_UNIT_BYTES:
            self.clear()
            return False
        return True


class H264Pieces(_Collected):
    """Single NAL units, STAP-A and FU-A: packetization modes 0 and 1. Mode 2 (interleaved) is refused by its description."""

    header_bytes = 1
    slices = bytes(_SLICE * (1 <= header & 0x1F <= 5) + (header & 0x1F == 5) for header in range(256))
    framed, fragment_at = struct.Struct(">HHHHIIBBxx"), 18
    forms = bytes(SINGLE * (1 <= first & 0x1F <= 23) + FRAGMENT * (first & 0x1F == 28) for first in range(256))

    def add(self, buffer: bytes | bytearray, start: int, stop: int) -> bool:
        kind = buffer[start] & 0x1F
        if kind != 28:
            if 1 <= kind <= 23:
                return self._whole(buffer, start, stop)
            return kind == 24 and self._several(buffer, start + 1, stop)
        if stop - start < 3:
            return False
        fragment = buffer[start + 1]
        if fragment & FIRST:
            if self.is_open:
                return False
            header = buffer[start] & 0xE0 | fragment & 0x1F
            self._begin(header, buffer[start + 2])
            self.parts.append(START_CODE + bytes((header,)))
        elif not self.is_open:
            return False
        self.parts.append(buffer[start + 2 : stop])
        self.is_open = not fragment & LAST
        return self.has_room(stop - start)


class HevcPieces(_Collected):
    """Single NAL units, aggregates and fragments, in decoding order (no DONL). PACI packets are refused."""

    header_bytes = 2
    slices = bytes(_SLICE * (header >> 1 & 0x3F < 32) + (16 <= header >> 1 & 0x3F <= 23) for header in range(256))
    framed, fragment_at = struct.Struct(">HHHHIIBxBx"), 19
    forms = bytes(SINGLE * (first >> 1 & 0x3F < 48) + FRAGMENT * (first >> 1 & 0x3F == 49) for first in range(256))

    def add(self, buffer: bytes | bytearray, start: int, stop: int) -> bool:
        kind = buffer[start] >> 1 & 0x3F
        if kind != 49:
            if kind < 48:
                return self._whole(buffer, start, stop)
            return kind == 48 and self._several(buffer, start + 2, stop)
        if stop - start < 4:
            return False
        fragment = buffer[start + 2]
        if fragment & FIRST:
            if self.is_open:
                return False
            header = buffer[start] & 0x81 | (fragment & 0x3F) << 1
            self._begin(header, buffer[start + 3])
            self.parts.append(START_CODE + bytes((header, buffer[start + 1])))
        elif not self.is_open:
            return False
        self.parts.append(buffer[start + 3 : stop])
        self.is_open = not fragment & LAST
        return self.has_room(stop - start)


PIECES: dict[str, type[H264Pieces] | type[HevcPieces]] = {"h264": H264Pieces, "hevc": HevcPieces}
