"""A recording as a virtual MP4 file: its header, and where in the segments its media data is.

Nothing is copied. The length and the ETag are known before the first byte, and any range of bytes
can be read. docs/recording.md describes it. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from domain.clock import NS_PER_MS, NS_PER_S, rfc3339
from domain.errors import NotFound
from storage.mp4.file_headers import MOVIE_SCALE, TrackTables, file_head
from storage.mp4.fragment_samples import BoolArray, IntArray
from storage.recordings.cut_plan import gaps_of, longest_run
from storage.recordings.ledger import Segment
from storage.recordings.packet_coverage import cover_files
from storage.recordings.virtual.timeline import (
    LaidOutPiece,
    PlacedTrack,
    joined_times,
    picture_runs,
    placed_pictures,
    placed_sound,
)

LAYOUT_VERSION = 1
"""It is part of each ETag: raise it when the same recording becomes a file with other bytes."""
_SEGMENT_MEMORY_BYTES = 2000
Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Extent:
    """Consecutive bytes of a segment's file that are in the virtual file."""

    segment: int
    """The number of the segment in `VirtualFile.segments`."""
    offset: int
    length_bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class UsedSegment:
    """A segment of which a virtual file has bytes."""

    segment: Segment
    fragments: IntArray
    """For each fragment its offset and its end: n rows of 2."""
    hashes: tuple[bytes, ...] | None
    """The SHA-256 of each fragment; None if nothing hashed it."""


@dataclass(frozen=True, eq=False)
class VirtualFile:
    """A file that is computed from the layouts of segments; times are UTC nanoseconds."""

    head: bytes
    """All bytes before the media data."""
    segments: tuple[UsedSegment, ...]
    etag: str
    """A strong ETag, in quotes: of the version of the layout, the range and the bytes."""
    start_ns: int
    """The time of its time 0, where players start."""
    end_ns: int
    """The end of its last picture."""
    gaps_ms: Ranges
    """The parts of the requested range that it lacks, UTC ms."""
    apart_ms: Ranges
    """The gaps that are recorded with another codec, size or parameters."""
    _extents: IntArray
    """For each extent the segment, the offset and the length: n rows of 3."""
    _starts: IntArray
    """The offset of each extent in the media data, and the length of all."""

    @property
    def size_bytes(self) -> int:
        return len(self.head) + int(self._starts[-1])

    @property
    def memory_bytes(self) -> int:
        """The approximate size of this object in memory."""
        return (
            len(self.head)
            + self._extents.nbytes
            + self._starts.nbytes
            + _SEGMENT_MEMORY_BYTES * len(self.segments)
        )

    def parts(self, first: int, length_bytes: int) -> Iterator[bytes | Extent]:
        """Yield what the bytes from `first` on consist of: parts of the header, and extents."""
        end = min(first + length_bytes, self.size_bytes)
        if first < len(self.head):
            yield self.head[first:end]
        at, until = max(0, first - len(self.head)), end - len(self.head)
        number = int(np.searchsorted(self._starts, at, "right")) - 1
        while at < until:
            segment, offset, length = self._extents[number].tolist()
            skipped = at - int(self._starts[number])
            length = min(length - skipped, until - at)
            yield Extent(segment, offset + skipped, length)
            at, number = at + length, number + 1


def make_virtual_file(pieces: Sequence[LaidOutPiece], from_ns: int, to_ns: int) -> VirtualFile:
    """Make the file of [from_ns, to_ns) of one camera from the pieces of `plan`.

    If codec parameters change within the range, the longer side is used and the rest is a gap.
    Raises NotFound if nothing of it is recorded.
    """
    by_piece = {one.piece: one for one in pieces}
    run = longest_run(
        [one.piece for one in pieces], [one.layout.video.header.description for one in pieces]
    )
    chosen = set(run)
    used = [by_piece[piece] for piece in run]
    runs = picture_runs(used)
    if not runs:
        raise NotFound(f"nothing is recorded between {rfc3339(from_ns)} and {rfc3339(to_ns)}")
    walls_ns, decodes_ns = joined_times(used, runs)
    zero_ns = max(from_ns, int(walls_ns[0]))
    tracks = [placed_pictures(used, runs, zero_ns)]
    sound = placed_sound(used, runs, zero_ns)
    tracks += [] if sound is None else [sound]
    # Players, libavformat among them, drop a whole track if an edit list starts within its last
    # picture. So time 0 moves back to the last picture if every picture begins before it.
    early = max(0, -int(tracks[0].shown.max()))
    tracks = [track.later_by(early * track.timescale // MOVIE_SCALE) for track in tracks]
    starts = np.cumsum([0, *(run.last - run.first for run in runs)])[:-1].astype(np.int64)
    covered, end_ns = cover_files(walls_ns, decodes_ns, starts, [run.known_end_ns for run in runs])
    tables, extents = _arranged(tracks)
    body_starts = np.concatenate((np.zeros(1, np.int64), np.cumsum(extents[:, 2])))
    head = file_head(tables, int(body_starts[-1]))
    segments = tuple(
        UsedSegment(one.piece.segment, one.layout.fragments, one.hashes) for one in used
    )
    return VirtualFile(
        head,
        segments,
        _etag(head, segments, extents, (from_ns, to_ns)),
        zero_ns - early * NS_PER_S // MOVIE_SCALE,
        end_ns,
        gaps_of(covered, from_ns, to_ns),
        tuple(
            (
                max(one.piece.from_ns, from_ns) // NS_PER_MS,
                min(one.piece.to_ns, to_ns) // NS_PER_MS,
            )
            for one in pieces
            if one.piece not in chosen
        ),
        extents,
        body_starts,
    )


def _arranged(tracks: Sequence[PlacedTrack]) -> tuple[list[TrackTables], IntArray]:
    """Return the tables of all tracks, whose samples have the order of their segments, and the
    extents.

    Pictures and sound that are stored one after the other remain so: no byte is moved.
    """
    pieces = np.concatenate([track.pieces for track in tracks])
    offsets = np.concatenate([track.offsets for track in tracks])
    sizes = np.concatenate([track.sizes for track in tracks])
    numbers = np.repeat(np.arange(len(tracks)), [len(track.sizes) for track in tracks])
    if len(tracks) > 1:
        order = np.lexsort((offsets, pieces))
        pieces, offsets, sizes, numbers = (
            column[order] for column in (pieces, offsets, sizes, numbers)
        )
    ends = np.cumsum(sizes)
    is_apart = np.ones(len(sizes), np.bool_)
    is_apart[1:] = (np.diff(pieces) != 0) | (offsets[1:] != offsets[:-1] + sizes[:-1])
    first = np.flatnonzero(is_apart)
    lengths = np.diff(np.concatenate((ends[first] - sizes[first], ends[-1:])))
    extents = np.column_stack((pieces[first], offsets[first], lengths)).astype(np.int64)
    begins_chunk = is_apart.copy()
    begins_chunk[1:] |= np.diff(numbers) != 0
    tables = [
        _tables(track, begins_chunk[numbers == number], (ends - sizes)[numbers == number])
        for number, track in enumerate(tracks)
    ]
    return tables, extents


def _tables(track: PlacedTrack, begins_chunk: BoolArray, places: IntArray) -> TrackTables:
    chunks = np.flatnonzero(begins_chunk)
    return TrackTables(
        header=track.header,
        timescale=track.timescale,
        times=track.times,
        shifts=track.shown - track.times,
        sizes=track.sizes,
        keyframes=np.flatnonzero(track.are_keyframes) + 1,
        chunks=places[chunks],
        in_chunk=np.diff(np.append(chunks, len(places))),
        end=int((track.shown + track.durations).max()),
        last_duration=int(track.durations[-1]),
    )


def _etag(
    head: bytes, segments: Sequence[UsedSegment], extents: IntArray, span: tuple[int, int]
) -> str:
    """Return the ETag. The header has the size and the times of every sample; the extents have
    their places in the segments, whose names are unique.
    """
    digest = hashlib.sha256(f"{LAYOUT_VERSION} {span[0]} {span[1]}\n".encode())
    for segment in (one.segment for one in segments):
        digest.update(f"{segment.camera_id} {segment.start_ms} {segment.fence}\n".encode())
    digest.update(extents.tobytes())
    digest.update(head)
    return f'"{digest.hexdigest()}"'
