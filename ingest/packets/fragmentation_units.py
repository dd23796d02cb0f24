"""What RTP payloads of H.264 (RFC 6184, 5) and H.265 (RFC 7798, 4.4) hold of an access unit,
collected until it is whole. Pure.

Packets come some hundred times a second from each camera, so this looks at a few bytes of each and
copies the rest once.
"""

from __future__ import annotations

from ingest.packets.nal import START_CODE

MAX_UNIT_BYTES = 16 << 20
FIRST, LAST = 0x80, 0x40
"""Of a fragment's header: the first, the last of its NAL unit."""
_SLICE, KEY_SLICE, SET = 1, 2, 3
FIRST_SLICE = 0x80
"""The bit behind a slice's NAL header that says the picture begins here: first_mb_in_slice is 0
(one bit, as ue(v)), or first_slice_segment_in_pic_flag.
"""


class _Collected:
    """The NAL units so far, each behind its start code.

    `add` of the codecs takes a payload: False where it is damaged, of an unknown kind, or does not
    go on where the last one ended.
    """

    header_bytes: int
    slices: bytes
    """By a NAL unit's first header byte: `_SLICE`; `KEY_SLICE`, of a picture that decoding can
    begin at (`nal.keyframe_head`); `SET`, a parameter set of H.265, which is in a file's head
    alone; or 0.
    """
    has_slice: bool
    begins_picture: bool
    """The first slice that came is the picture's first."""
    is_key: bool
    """That slice is of a picture that decoding can begin at."""
    is_open: bool
    """A fragmented NAL unit lacks its end."""
    is_plain: bool
    """Each NAL unit goes into a file as it is: none ends with a zero, and none is a parameter
    set of H.265.
    """

    def __init__(self) -> None:
        self.clear()

    def __len__(self) -> int:
        return len(self.parts)

    def clear(self) -> None:
        self.parts: list[bytes | bytearray] = []
        self.starts: list[int] = []
        """Where in them the start code of each NAL unit lies."""
        self.size_bytes = 0
        self.has_slice = self.begins_picture = self.is_key = self.is_open = False
        self.is_plain = True

    def saw(self, what: int, after_header: int) -> None:
        """A NAL unit begins that is something (not 0) by `slices`; the first byte after its
        header.
        """
        if what == SET:
            self.is_plain = False
        elif not self.has_slice:
            self.has_slice = True
            self.is_key = what == KEY_SLICE
            self.begins_picture = after_header & FIRST_SLICE != 0

    def has_room(self) -> bool:
        """False, and nothing is left, where it has become too large to be a picture."""
        if self.size_bytes > MAX_UNIT_BYTES:
            self.clear()
            return False
        return True

    def _whole(self, buffer: bytes | bytearray, start: int, stop: int) -> bool:
        if self.is_open or stop - start <= self.header_bytes:
            return False
        if what := self.slices[buffer[start]]:
            self.saw(what, buffer[start + self.header_bytes])
        self.is_plain = self.is_plain and buffer[stop - 1] > 0
        self.starts.append(self.size_bytes)
        self.parts += (START_CODE, buffer[start:stop])
        self.size_bytes += 4 + stop - start
        return True

    def add_several(self, buffer: bytes | bytearray, start: int, stop: int) -> bool:
        """An aggregate: its header, then NAL units, each behind two bytes of length."""
        at = start + self.header_bytes
        if self.is_open:
            return at == stop
        slices, parts, least, size_bytes = (
            self.slices,
            self.parts,
            2 + self.header_bytes,
            self.size_bytes,
        )
        while at + 2 <= stop:
            begin = at + 2
            end = begin + (buffer[at] << 8 | buffer[at + 1])
            if end > stop or end - at <= least:
                break
            what = slices[buffer[begin]]
            if what > self.has_slice:
                self.saw(what, buffer[at + least])
            if not buffer[end - 1]:
                self.is_plain = False
            self.starts.append(size_bytes)
            parts += (START_CODE, buffer[begin:end])
            size_bytes += 4 + end - begin
            at = end
        self.size_bytes = size_bytes
        return at == stop

    def _fragment(
        self, buffer: bytes | bytearray, start: int, stop: int, fragment: int, header: bytes
    ) -> bool:
        """A piece, whose data lies in `buffer[start:stop]`, of the NAL unit that has this
        `header`.
        """
        if start >= stop or self.is_open == bool(fragment & FIRST):
            return False
        if fragment & FIRST:
            if what := self.slices[header[0]]:
                self.saw(what, buffer[start])
            self.starts.append(self.size_bytes)
            self.parts.append(START_CODE + header)
            self.size_bytes += 4 + len(header)
        self.size_bytes += stop - start
        self.parts.append(buffer[start:stop])
        self.is_open = not fragment & LAST
        self.is_plain = self.is_plain and (self.is_open or buffer[stop - 1] > 0)
        return True


class H264Pieces(_Collected):
    """Single NAL units, STAP-A and FU-A: packetization modes 0 and 1. Mode 2 (interleaved) is
    refused by its description.
    """

    header_bytes = 1
    slices = bytes(
        _SLICE * (1 <= header & 0x1F <= 5) + (header & 0x1F == 5) for header in range(256)
    )

    def add(self, buffer: bytes | bytearray, start: int, stop: int) -> bool:
        kind = buffer[start] & 0x1F
        if kind != 28:
            if 1 <= kind <= 23:
                return self._whole(buffer, start, stop)
            return kind == 24 and self.add_several(buffer, start, stop)
        if stop - start < 3:
            return False
        fragment = buffer[start + 1]
        return self._fragment(
            buffer, start + 2, stop, fragment, bytes((buffer[start] & 0xE0 | fragment & 0x1F,))
        )


def _hevc_slice(kind: int) -> int:
    return _SLICE + (16 <= kind <= 23) if kind < 32 else SET * (kind <= 34)


class HevcPieces(_Collected):
    """Single NAL units, aggregates and fragments, in decoding order (no DONL). PACI packets are
    refused.
    """

    header_bytes = 2
    slices = bytes(_hevc_slice(header >> 1 & 0x3F) for header in range(256))

    def add(self, buffer: bytes | bytearray, start: int, stop: int) -> bool:
        kind = buffer[start] >> 1 & 0x3F
        if kind != 49:
            if kind < 48:
                return self._whole(buffer, start, stop)
            return kind == 48 and self.add_several(buffer, start, stop)
        if stop - start < 4:
            return False
        fragment = buffer[start + 2]
        header = bytes((buffer[start] & 0x81 | (fragment & 0x3F) << 1, buffer[start + 1]))
        return self._fragment(buffer, start + 3, stop, fragment, header)


PIECES: dict[str, type[H264Pieces] | type[HevcPieces]] = {"h264": H264Pieces, "hevc": HevcPieces}
