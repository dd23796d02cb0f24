"""Collects the NAL units of an access unit from RTP payloads of H.264 (RFC 6184, 5) and H.265 (RFC
7798, 4.4). Pure.

Each camera sends hundreds of packets a second, so this reads a few bytes of each and copies the
rest once.
"""

from __future__ import annotations

from ingest.packets.nal import START_CODE

MAX_UNIT_BYTES = 16 << 20
FIRST, LAST = 0x80, 0x40
"""The bits in a fragment's header that mark the first and the last fragment of a NAL unit."""
_SLICE, KEY_SLICE, SET = 1, 2, 3
FIRST_SLICE = 0x80
"""The bit after a slice's NAL header that marks the start of a picture: first_mb_in_slice is 0 (one
bit, as ue(v)), or first_slice_segment_in_pic_flag.
"""


class _NalCollector:
    """The NAL units collected so far, each after its start code.

    The codecs implement `add` for one payload. It returns False if the payload is damaged, of an
    unknown kind, or does not continue the last one.
    """

    header_bytes: int
    slices: bytes
    """The kind of NAL unit by its first header byte: `_SLICE`, `KEY_SLICE`, `SET` or 0. `KEY_SLICE`
    belongs to a picture at which decoding can begin (`nal.keyframe_head`). `SET` is a parameter set
    of H.265, which a file stores only in its header.
    """
    ends: bytes
    """Whether a NAL unit with this first byte ends a sequence or the stream. It may be a header
    alone.
    """
    has_slice: bool
    begins_picture: bool
    """Whether the first received slice is the picture's first."""
    is_key: bool
    """Whether that slice belongs to a picture at which decoding can begin."""
    is_open: bool
    """Whether the end of a fragmented NAL unit is missing."""
    is_plain: bool
    """Whether all NAL units can be written to a file unchanged: none ends with a zero, and none is
    a parameter set of H.265.
    """

    def __init__(self) -> None:
        self.clear()

    def __len__(self) -> int:
        return len(self.parts)

    def clear(self) -> None:
        self.parts: list[bytes | bytearray] = []
        self.starts: list[int] = []
        """The position of each NAL unit's start code in the parts."""
        self.size_bytes = 0
        self.has_slice = self.begins_picture = self.is_key = self.is_open = False
        self.is_plain = True

    def note_unit(self, what: int, after_header: int) -> None:
        """Note a NAL unit of the kind `what` (not 0); `after_header` is the first byte after its
        header.
        """
        if what == SET:
            self.is_plain = False
        elif not self.has_slice:
            self.has_slice = True
            self.is_key = what == KEY_SLICE
            self.begins_picture = after_header & FIRST_SLICE != 0

    def has_room(self) -> bool:
        """Return False, and drop everything, if the unit is too large for a picture."""
        if self.size_bytes > MAX_UNIT_BYTES:
            self.clear()
            return False
        return True

    def _whole(self, buffer: bytes | bytearray, start: int, stop: int) -> bool:
        least_bytes = self.header_bytes + (not self.ends[buffer[start]])
        if self.is_open or stop - start < least_bytes:
            return False
        if what := self.slices[buffer[start]]:
            self.note_unit(what, buffer[start + self.header_bytes])
        self.is_plain = self.is_plain and buffer[stop - 1] > 0
        self.starts.append(self.size_bytes)
        self.parts += (START_CODE, buffer[start:stop])
        self.size_bytes += 4 + stop - start
        return True

    def add_aggregate(self, buffer: bytes | bytearray, start: int, stop: int) -> bool:
        """Add an aggregate: its header, then NAL units, each after two bytes of length."""
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
            if end > stop or end - at < least + (end == begin or not self.ends[buffer[begin]]):
                break
            what = slices[buffer[begin]]
            if what > self.has_slice:
                self.note_unit(what, buffer[at + least])
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
        """Add a fragment of the NAL unit with this `header`; its data is `buffer[start:stop]`."""
        if start >= stop or self.is_open == bool(fragment & FIRST):
            return False
        if fragment & FIRST:
            if what := self.slices[header[0]]:
                self.note_unit(what, buffer[start])
            self.starts.append(self.size_bytes)
            self.parts.append(START_CODE + header)
            self.size_bytes += 4 + len(header)
        self.size_bytes += stop - start
        self.parts.append(buffer[start:stop])
        self.is_open = not fragment & LAST
        self.is_plain = self.is_plain and (self.is_open or buffer[stop - 1] > 0)
        return True


class H264Collector(_NalCollector):
    """Collects single NAL units, STAP-A and FU-A, which are packetization modes 0 and 1. A
    description of mode 2 (interleaved) is refused.
    """

    header_bytes = 1
    slices = bytes(
        _SLICE * (1 <= header & 0x1F <= 5) + (header & 0x1F == 5) for header in range(256)
    )
    ends = bytes(header & 0x1F in (10, 11) for header in range(256))

    def add(self, buffer: bytes | bytearray, start: int, stop: int) -> bool:
        kind = buffer[start] & 0x1F
        if kind != 28:
            if 1 <= kind <= 23:
                return self._whole(buffer, start, stop)
            return kind == 24 and self.add_aggregate(buffer, start, stop)
        if stop - start < 3:
            return False
        fragment = buffer[start + 1]
        return self._fragment(
            buffer, start + 2, stop, fragment, bytes((buffer[start] & 0xE0 | fragment & 0x1F,))
        )


def _hevc_slice(kind: int) -> int:
    return _SLICE + (16 <= kind <= 23) if kind < 32 else SET * (kind <= 34)


class HevcCollector(_NalCollector):
    """Collects single NAL units, aggregates and fragments in decoding order (no DONL). PACI packets
    are refused.
    """

    header_bytes = 2
    slices = bytes(_hevc_slice(header >> 1 & 0x3F) for header in range(256))
    ends = bytes(header >> 1 & 0x3F in (36, 37) for header in range(256))

    def add(self, buffer: bytes | bytearray, start: int, stop: int) -> bool:
        kind = buffer[start] >> 1 & 0x3F
        if kind != 49:
            if kind < 48:
                return self._whole(buffer, start, stop)
            return kind == 48 and self.add_aggregate(buffer, start, stop)
        if stop - start < 4:
            return False
        fragment = buffer[start + 2]
        header = bytes((buffer[start] & 0x81 | (fragment & 0x3F) << 1, buffer[start + 1]))
        return self._fragment(buffer, start + 3, stop, fragment, header)


COLLECTORS: dict[str, type[H264Collector] | type[HevcCollector]] = {
    "h264": H264Collector,
    "hevc": HevcCollector,
}
