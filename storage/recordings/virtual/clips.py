"""Makes the clip of an event: a virtual file, of which each fragment is verified, as one MP4 file.

A clip has the rules of a virtual file (docs/recording.md), and is independent of the recording.
"""

from __future__ import annotations

import errno
import hashlib
import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from domain.clock import rfc3339
from domain.errors import DataLoss, NotFound, StoreError
from storage.recordings.cut_plan import CutPiece, plan
from storage.recordings.file_reader import Chunk
from storage.recordings.ledger import Segment
from storage.recordings.recorded_ranges import clip, merge
from storage.recordings.virtual.clip_sources import ClipSource
from storage.recordings.virtual.reader import PartStream, read_bytes
from storage.recordings.virtual.timeline import LaidOutPiece, damaged_span
from storage.recordings.virtual.virtual_file import (
    Ranges,
    VirtualFile,
    hashed_late,
    in_ms,
    make_virtual_file,
)

DamageListener = Callable[[ClipSource, int], None]
"""Receives a segment and the number of a fragment that differs from its SHA-256."""
_SegmentKey = tuple[int, int]
_OF_THE_PROCESS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""The errors of opening a file that say nothing about the recording."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ClipFile:
    """A finished clip; times are UTC nanoseconds, ranges UTC milliseconds."""

    start_ns: int
    """The time of the clip's time 0, where players start: the requested start, or the first picture
    after it. It is the start of the picture that is shown at the requested start if that is the
    last one, or stands still for more than a second.
    """
    end_ns: int
    """The end of its last picture."""
    gaps_ms: Ranges
    """The parts of the requested range that it lacks."""
    apart_ms: Ranges
    """The gaps that are recorded with another codec, size or parameters."""
    damaged_ms: Ranges
    """The gaps that are recorded, and whose bytes are damaged."""
    hashed_late_ms: Ranges
    """The parts that the recorder did not hash."""
    size_bytes: int
    sha256: str


def make_clip(
    sources: Sequence[ClipSource],
    from_ns: int,
    to_ns: int,
    out: Path,
    on_damage: DamageListener,
) -> ClipFile:
    """Write [from_ns, to_ns) of one camera to `out`, from the keyframe at or before `from_ns`.

    Fragments that were hashed are compared with their hashes. One that differs is given to
    `on_damage`, and is a gap. If codec parameters change within the range, the longer side is used
    and the rest is a gap. Memory does not grow with the range.

    Raises NotFound if nothing of it is recorded, DataLoss if all of it is damaged, StoreError if
    `out` cannot be written, ObjectsUnavailable, and what `on_damage` raises.
    """
    out.unlink(missing_ok=True)
    try:
        return _Making(sources, from_ns, to_ns, on_damage).make(out)
    except BaseException:
        out.unlink(missing_ok=True)
        raise


class _SegmentUnreadable(Exception):
    """Nothing of a segment can be read, for example because it was deleted meanwhile."""

    def __init__(self, source: ClipSource) -> None:
        super().__init__()
        self.source = source


class _DamagedFragments(Exception):
    """Fragments of a segment cannot be used."""

    def __init__(self, source: ClipSource, numbers: Sequence[int]) -> None:
        super().__init__()
        self.source = source
        self.numbers = numbers


class _Making:
    """One clip that is being made."""

    def __init__(
        self,
        sources: Sequence[ClipSource],
        from_ns: int,
        to_ns: int,
        on_damage: DamageListener,
    ) -> None:
        self._sources = {one.segment.key: one for one in sources}
        self._from_ns, self._to_ns = from_ns, to_ns
        self._pieces = plan([one.segment for one in sources], from_ns, to_ns)
        self._on_damage = on_damage
        self._damaged: dict[_SegmentKey, frozenset[int]] = {}
        self._unreadable: set[_SegmentKey] = set()
        """The segments of which nothing can be read: they are gaps, and are not called damaged."""

    def make(self, out: Path) -> ClipFile:
        """Write the file, again without a fragment each time that one is found to be damaged, and
        without a segment that cannot be read.
        """
        while True:
            file = self._file()
            try:
                size_bytes, sha256 = self._write(file, out)
            except _SegmentUnreadable as found:
                self._unreadable.add(found.source.segment.key)
                continue
            except _DamagedFragments as found:
                key = found.source.segment.key
                known = self._damaged.get(key, frozenset())
                self._damaged[key] = known | frozenset(found.numbers)
                continue
            return ClipFile(
                file.start_ns,
                file.end_ns,
                file.gaps_ms,
                file.apart_ms,
                self._damaged_ms(),
                hashed_late(file, self._from_ns, self._to_ns),
                size_bytes,
                sha256,
            )

    def _file(self) -> VirtualFile:
        pieces = [self._laid_out(piece) for piece in self._pieces]
        try:
            return make_virtual_file(pieces, self._from_ns, self._to_ns)
        except NotFound as error:
            span = f"{rfc3339(self._from_ns)} and {rfc3339(self._to_ns)}"
            if self._damaged:
                raise DataLoss(
                    "all that is recorded between {span} is damaged", span=span
                ) from error
            if self._unreadable:
                raise DataLoss("nothing recorded between {span} can be read", span=span) from error
            raise

    def _laid_out(self, piece: CutPiece) -> LaidOutPiece:
        key = piece.segment.key
        source = self._sources[key]
        left_out = self._damaged.get(key, frozenset())
        if key in self._unreadable:
            left_out = frozenset(range(len(source.layout.fragments)))
        return LaidOutPiece(
            piece, source.layout, source.hashes, left_out, is_hashed_late=source.is_hashed_late
        )

    def _write(self, file: VirtualFile, out: Path) -> tuple[int, str]:
        """Write all bytes; return their number and their SHA-256. Raises _DamagedFragments."""
        sources = [self._sources[one.segment.key] for one in file.segments]

        def open_part(number: int, offset: int, length: int) -> PartStream:
            return _Part(sources[number], offset, length)

        checks = _Checks(sources, self._on_damage)
        digest, size_bytes = hashlib.sha256(), 0
        with _writing():
            copy = out.open("wb")
        with copy:
            for chunk in read_bytes(file, 0, file.size_bytes, open_part, checks):
                _write_chunk(copy, chunk)
                digest.update(chunk)
                size_bytes += len(chunk)
            with _writing():
                copy.flush()
        return size_bytes, digest.hexdigest()

    def _damaged_ms(self) -> Ranges:
        spans = [
            span
            for piece in self._pieces
            for number in self._damaged.get(piece.segment.key, ())
            for span in clip(
                [damaged_span(self._laid_out(piece), number)], piece.from_ns, piece.to_ns
            )
        ]
        return in_ms(merge(spans, within_ns=0))


class _Part:
    """A part of a segment. Raises _SegmentUnreadable if it cannot be read."""

    def __init__(self, source: ClipSource, offset: int, length_bytes: int) -> None:
        self._source = source
        with self._reading():
            self._stream = source.open_part(offset, length_bytes)

    def __iter__(self) -> Generator[bytes]:
        with self._reading():
            yield from self._stream

    def close(self) -> None:
        self._stream.close()

    @contextmanager
    def _reading(self) -> Generator[None]:
        try:
            yield
        except (NotFound, DataLoss, OSError) as error:
            if isinstance(error, OSError) and error.errno in _OF_THE_PROCESS:
                raise StoreError(
                    "a recording cannot be opened now: {error}", error=error
                ) from error
            segment: Segment = self._source.segment
            _log.warning(
                "a clip is made without the segment of %s at %s: %s",
                segment.camera_id,
                rfc3339(segment.start_ns),
                error,
            )
            raise _SegmentUnreadable(self._source) from error


class _Checks:
    """Compares each fragment of a clip with its hash."""

    def __init__(self, sources: Sequence[ClipSource], on_damage: DamageListener) -> None:
        self._sources = sources
        self._on_damage = on_damage

    def is_verified(self, segment: int, fragment: int) -> bool:
        return False

    def check(self, segment: int, fragment: int, found: bytes, sha256: bytes) -> None:
        """Raises _DamagedFragments."""
        if found != sha256:
            self._on_damage(self._sources[segment], fragment)
            raise _DamagedFragments(self._sources[segment], (fragment,))


def _write_chunk(file: BinaryIO, chunk: Chunk) -> None:
    with _writing():
        file.write(chunk)


@contextmanager
def _writing() -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError("a clip cannot be written: {error}", error=error) from error
