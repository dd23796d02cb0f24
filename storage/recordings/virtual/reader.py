"""Reads bytes of a virtual file out of the segments, in bounded memory.

A fragment that was hashed is compared with its hash before any of its bytes are returned.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from itertools import groupby
from typing import Protocol

from domain.errors import DataLoss
from storage.mp4.segment_layout import fragments_at
from storage.recordings.file_reader import Chunk
from storage.recordings.virtual.blocks import UsedSegment
from storage.recordings.virtual.virtual_file import Extent, VirtualFile


class PartStream(Protocol):
    """Bytes of a segment in chunks, which must be closed."""

    def __iter__(self) -> Iterator[bytes]: ...
    def close(self) -> None: ...


OpenPart = Callable[[int, int, int], PartStream]
"""Opens a part of a segment: the number of the segment in the virtual file, the offset, and the
length in bytes. It raises what the source of the segment raises.
"""


class FragmentChecks(Protocol):
    """Decides which fragments of the segments of a virtual file are compared with their hashes."""

    def is_verified(self, segment: int, fragment: int) -> bool:
        """Return whether this version of a file was compared before."""

    def check(self, segment: int, fragment: int, found: bytes, sha256: bytes) -> None:
        """Compare the SHA-256 of what was read of a fragment with its hash. Raises DataLoss."""


def read_bytes(
    file: VirtualFile,
    first: int,
    length_bytes: int,
    open_part: OpenPart,
    checks: FragmentChecks,
) -> Generator[Chunk]:
    """Yield the bytes of a virtual file from `first` on.

    Raises DataLoss if a fragment differs from its hash, or a segment has fewer bytes than when its
    layout was read.
    """
    for segment, parts in groupby(file.parts(first, length_bytes), _segment_of):
        if segment is None:
            yield from (part for part in parts if isinstance(part, bytes))
        else:
            extents = [part for part in parts if isinstance(part, Extent)]
            yield from _segment_bytes(file.segments[segment], extents, open_part, checks)


def _segment_of(part: bytes | Extent) -> int | None:
    return part.segment if isinstance(part, Extent) else None


def _segment_bytes(
    used: UsedSegment, extents: Sequence[Extent], open_part: OpenPart, checks: FragmentChecks
) -> Iterator[Chunk]:
    """Yield extents of one segment, which is opened once."""
    segment = extents[0].segment
    begin, end = extents[0].offset, extents[-1].offset + extents[-1].length_bytes
    places = fragments_at(used.fragments, [one.offset for one in extents])
    hashes = used.hashes or ()
    is_known = not hashes or all(checks.is_verified(segment, one) for one in set(places.tolist()))
    if not is_known:
        begin, end = int(used.fragments[places[0], 0]), int(used.fragments[places[-1], 1])
    with closing(open_part(segment, begin, end - begin)) as stream:
        window = _Window(iter(stream), begin)
        if is_known:
            for extent in extents:
                yield from window.read(extent.offset, extent.length_bytes)
            return
        pairs = zip(places.tolist(), extents, strict=True)
        for fragment, in_fragment in groupby(pairs, lambda pair: pair[0]):
            span = used.fragments[fragment].tolist()
            found, sent = _read_fragment(window, span, [extent for _, extent in in_fragment])
            checks.check(segment, fragment, found, hashes[fragment])
            while sent:  # none is held after it was sent
                yield sent.popleft()


def _read_fragment(
    window: _Window, span: Sequence[int], extents: Sequence[Extent]
) -> tuple[bytes, deque[Chunk]]:
    """Read all of a fragment; return its SHA-256, and the bytes of the extents."""
    digest, sent = hashlib.sha256(), deque[Chunk]()
    at, end = span
    for extent in extents:
        for chunk in window.read(at, extent.offset - at):
            digest.update(chunk)
        for chunk in window.read(extent.offset, extent.length_bytes):
            digest.update(chunk)
            sent.append(chunk)
        at = extent.offset + extent.length_bytes
    for chunk in window.read(at, end - at):
        digest.update(chunk)
    return digest.digest(), sent


class _Window:
    """Reads ranges of a file, in order, from a stream that begins at an offset of it. What is read
    is not copied.
    """

    def __init__(self, chunks: Iterator[bytes], offset: int) -> None:
        self._chunks = chunks
        self._offset = offset
        """The offset of `_chunk` in the file."""
        self._chunk = memoryview(b"")

    def read(self, offset: int, length_bytes: int) -> Iterator[Chunk]:
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
        self._chunk = memoryview(next(self._chunks, b""))
        if not self._chunk:
            raise DataLoss("a segment is shorter than when it was listed")
