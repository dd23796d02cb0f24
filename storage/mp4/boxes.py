"""The boxes of an MP4 file (ISO/IEC 14496-12, 4.2), read without a demuxer: up to where a truncated
file is whole, and where its head is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_HEADER_BYTES = 8
_LARGE_HEADER_BYTES = 16
_KNOWN = frozenset(
    {
        b"ftyp",
        b"styp",
        b"moov",
        b"moof",
        b"mdat",
        b"sidx",
        b"mfra",
        b"free",
        b"skip",
        b"emsg",
        b"prft",
        b"uuid",
    }
)
_LARGEST_MOOV_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Box:
    """One top-level box: its four-character type and its range in the file, header included."""

    type: bytes
    offset: int
    size_bytes: int

    @property
    def end(self) -> int:
        return self.offset + self.size_bytes


def boxes(file: BinaryIO) -> Iterator[Box]:
    """Yield the whole top-level boxes, in order, up to the first that is truncated or unknown."""
    end = file.seek(0, 2)
    offset = 0
    while (box := _box_at(file, offset)) is not None and box.end <= end:
        yield box
        offset = box.end


def whole_bytes(path: Path) -> int:
    """Return the length of the file up to the end of its last whole fragment (`moof` and its
    `mdat`); 0 if it has none.
    """
    whole, has_moov, last = 0, False, b""
    with path.open("rb") as file:
        for box in boxes(file):
            has_moov = has_moov or box.type == b"moov"
            if has_moov and box.type == b"mdat" and last == b"moof":
                whole = box.end
            last = box.type
    return whole


def movie_head(path: Path) -> bytes:
    """Return the content of the `moov` box; empty if there is none."""
    with path.open("rb") as file:
        for box in boxes(file):
            if box.type == b"moov" and box.size_bytes <= _LARGEST_MOOV_BYTES:
                file.seek(box.offset + _HEADER_BYTES)
                return file.read(box.size_bytes - _HEADER_BYTES)
    return b""


def _box_at(file: BinaryIO, offset: int) -> Box | None:
    file.seek(offset)
    header = file.read(_LARGE_HEADER_BYTES)
    if len(header) < _HEADER_BYTES or header[4:8] not in _KNOWN:
        return None
    size, header_bytes = int.from_bytes(header[:4], "big"), _HEADER_BYTES
    if size == 1:
        size, header_bytes = int.from_bytes(header[8:16], "big"), _LARGE_HEADER_BYTES
    return Box(header[4:8], offset, size) if size >= header_bytes else None
