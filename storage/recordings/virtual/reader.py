"""Reads bytes of a virtual file out of the segments, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from itertools import groupby
from typing import Protocol

from domain.errors import DataLoss
from storage.recordings.virtual.virtual_file import Extent, VirtualFile


class PartStream(Protocol):
    """Bytes of a segment in chunks, which must be closed."""

    def __iter__(self) -> Iterator[bytes]: ...
    def close(self) -> None: ...


OpenPart = Callable[[int, int, int], PartStream]
"""Opens a part of a segment: the number of the segment in the virtual file, the offset, and the
length in bytes. It raises what the source of the segment raises.
"""


def read_bytes(
    file: VirtualFile, first: int, length_bytes: int, open_part: OpenPart
) -> Generator[bytes]:
    """Yield the bytes of a virtual file from `first` on.

    Raises DataLoss if a segment has fewer bytes than when its layout was read.
    """
    for segment, parts in groupby(file.parts(first, length_bytes), _segment_of):
        if segment is None:
            yield from (part for part in parts if isinstance(part, bytes))
        else:
            extents = [part for part in parts if isinstance(part, Extent)]
            yield from _segment_bytes(extents, open_part)


def _segment_of(part: bytes | Extent) -> int | None:
    return part.segment if isinstance(part, Extent) else None


def _segment_bytes(extents: Sequence[Extent], open_part: OpenPart) -> Iterator[bytes]:
    """Yield extents of one segment, which is opened once."""
    begin, end = extents[0].offset, extents[-1].offset + extents[-1].length_bytes
    with closing(open_part(extents[0].segment, begin, end - begin)) as stream:
        window = _Window(iter(stream), begin)
        for extent in extents:
            yield from window.read(extent.offset, extent.length_bytes)


class _Window:
    """Reads ranges of a file, in order, from a stream that begins at an offset of it."""

    def __init__(self, chunks: Iterator[bytes], offset: int) -> None:
        self._chunks = chunks
        self._offset = offset
        """The offset of `_chunk` in the file."""
        self._chunk = b""

    def read(self, offset: int, length_bytes: int) -> Iterator[bytes]:
        """Yield a range that begins at or after the end of the last one. Raises DataLoss."""
        end = offset + length_bytes
        while offset < end:
            at = offset - self._offset
            if at >= len(self._chunk):
                self._advance()
                continue
            found = self._chunk[at : at + end - offset]
            offset += len(found)
            yield found

    def _advance(self) -> None:
        self._offset += len(self._chunk)
        self._chunk = next(self._chunks, b"")
        if not self._chunk:
            raise DataLoss("a segment is shorter than when it was listed")
