"""A recording as a virtual MP4 file: its header, and where in the segments its media data is.

Nothing is copied. The length and the ETag are known before the first byte, and any range of bytes
can be read. The file is joined from blocks (`blocks.py`), which several files share.
docs/recording.md describes it. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain, groupby

import numpy as np

from domain.clock import NS_PER_MS, NS_PER_S, moment
from domain.errors import NotFound
from storage.mp4.file_headers import MOVIE_SCALE, TrackTables, file_head
from storage.mp4.fragment_samples import IntArray
from storage.mp4.long_steps import with_steps_that_fit
from storage.mp4.sample_tables import PlacedTables
from storage.recordings.cut_plan import JOIN_GAP_NS, gaps_of
from storage.recordings.packet_coverage import HOLE_NS
from storage.recordings.recorded_ranges import clip, merge
from storage.recordings.virtual.blocks import Block, BlockSource, UsedSegment, sources_of
from storage.recordings.virtual.file_blocks import JoinedBlocks, ticks
from storage.recordings.virtual.timeline import LaidOutPiece

LAYOUT_VERSION = 3
"""It is part of each ETag: raise it when the same recording becomes a file with other bytes."""
_LONG_STEP = HOLE_NS * MOVIE_SCALE // NS_PER_S
"""A picture with more ticks of the movie to the next one stands still for long."""
Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Extent:
    """Consecutive bytes of a segment's file that are in the virtual file."""

    segment: int
    """The number of the segment in `VirtualFile.segments`."""
    offset: int
    length_bytes: int


@dataclass(frozen=True, eq=False)
class VirtualFile:
    """A file that is computed from the layouts of segments; times are UTC nanoseconds."""

    head_parts: tuple[bytes, ...]
    """All bytes before the media data."""
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
    _blocks: tuple[Block, ...]

    @property
    def size_bytes(self) -> int:
        return self.head_bytes + int(self._block_starts[-1])

    @cached_property
    def head_bytes(self) -> int:
        """The length of all before the media data."""
        return sum(map(len, self.head_parts))

    @cached_property
    def segments(self) -> tuple[UsedSegment, ...]:
        """The segments of which it has bytes."""
        return tuple(chain.from_iterable(block.segments for block in self._blocks))

    @cached_property
    def memory_bytes(self) -> int:
        """The approximate size of this object in memory, with what it shares with other files."""
        return self.head_bytes + sum(block.memory_bytes for block in self._blocks)

    @cached_property
    def _block_starts(self) -> IntArray:
        """The offset of each block in the media data, and the length of all."""
        return np.cumsum([0, *(block.size_bytes for block in self._blocks)], dtype=np.int64)

    @cached_property
    def _first_segments(self) -> list[int]:
        return [0, *accumulate(len(block.segments) for block in self._blocks)]

    def parts(self, first: int, length_bytes: int) -> Iterator[bytes | Extent]:
        """Yield what the bytes from `first` on consist of: parts of the header, and extents."""
        end = min(first + length_bytes, self.size_bytes)
        at = 0
        for part in self.head_parts:
            if at < end and first < at + len(part):
                yield part[max(0, first - at) : end - at]
            at += len(part)
        at, until = max(0, first - at), end - at
        number = int(np.searchsorted(self._block_starts, at, "right")) - 1
        while at < until:
            begin = int(self._block_starts[number])
            before = self._first_segments[number]
            for extent in _extents(self._blocks[number], before, at - begin, until - begin):
                yield extent
                at += extent.length_bytes
            number += 1


def hashed_late(file: VirtualFile, from_ns: int, to_ns: int) -> Ranges:
    """Return the parts of the range of a file, UTC ms, that the recorder did not hash: hashes of
    them are made later, and do not prove what was recorded.
    """
    spans = (one.span_ns for one in file.segments if not one.is_proven)
    found = merge(clip(spans, from_ns, min(to_ns, file.end_ns)), JOIN_GAP_NS)
    return in_ms(found)


def in_ms(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Return ranges of UTC nanoseconds as whole milliseconds that contain them."""
    return tuple((start // NS_PER_MS, -(-end // NS_PER_MS)) for start, end in ranges)


def _extents(block: Block, first_segment: int, at: int, until: int) -> Iterator[Extent]:
    """Yield the extents of [at, until) of a block, as far as it goes."""
    until = min(until, block.size_bytes)
    number = int(np.searchsorted(block.starts, at, "right")) - 1
    while at < until:
        segment, offset, length = block.extents[number].tolist()
        skipped = at - int(block.starts[number])
        length = min(length - skipped, until - at)
        yield Extent(first_segment + segment, offset + skipped, length)
        at, number = at + length, number + 1


def make_virtual_file(pieces: Sequence[LaidOutPiece], from_ns: int, to_ns: int) -> VirtualFile:
    """Make the file of [from_ns, to_ns) of one camera from the pieces of `plan`.

    If codec parameters change within the range, the longer side is used and the rest is a gap.
    Raises NotFound if nothing of it is recorded.
    """
    return join_blocks(list(sources_of(pieces, from_ns)), from_ns, to_ns)


def join_blocks(sources: Sequence[BlockSource], from_ns: int, to_ns: int) -> VirtualFile:
    """Make the file of [from_ns, to_ns) from the sources of its blocks, as `make_virtual_file`
    does.
    """
    chosen = _longest_run(sources)
    joining = JoinedBlocks(from_ns)
    for source in chosen:
        joining.add(source)
    blocks = joining.blocks
    if not blocks:
        raise NotFound(
            "nothing is recorded between {start} and {end}",
            start=moment(from_ns),
            end=moment(to_ns),
        )
    zero_ns = joining.zero_ns
    early = _early_ticks(blocks, zero_ns)
    tracks = _tracks(blocks, zero_ns, early)
    size_bytes = sum(block.size_bytes for block in blocks)
    return VirtualFile(
        tuple(file_head(tracks, size_bytes)),
        _etag(blocks, zero_ns, (from_ns, to_ns)),
        zero_ns - early * NS_PER_S // MOVIE_SCALE,
        joining.end_ns,
        gaps_of([part for block in blocks for part in block.covered_ns], from_ns, to_ns),
        _apart(sources, chosen, (from_ns, to_ns)),
        tuple(blocks),
    )


def _early_ticks(blocks: Sequence[Block], zero_ns: int) -> int:
    """Return by how many ticks of the movie time 0 moves back, to the start of the picture that is
    shown then. It does if that picture stands still for long, or is the last one.

    An edit list that begins within a picture makes players, libavformat among them, begin at the
    next one. The times of all pictures would be wrong by the distance.
    """
    last: int | None = None
    for one in blocks:
        later = ticks(one.zero_ns - zero_ns, MOVIE_SCALE)
        before, after = one.video.tables.shown_around(-later)
        last = last if before is None else before + later
        if after is not None and last is not None:
            return -last if after + later - last > _LONG_STEP else 0
    return 0 if last is None else -last


def _longest_run(sources: Sequence[BlockSource]) -> Sequence[BlockSource]:
    """Return the adjacent sources with equal codec parameters that have the most time; the
    earliest of equals.
    """
    runs = [list(run) for _, run in groupby(sources, lambda one: one.description)]
    return max(
        runs,
        key=lambda run: sum(piece.length_ns for source in run for piece in source.pieces),
        default=(),
    )


def _apart(
    sources: Sequence[BlockSource], chosen: Sequence[BlockSource], span: tuple[int, int]
) -> Ranges:
    """Return the parts of a range whose codec parameters are others than those of `chosen`."""
    used = {id(one) for one in chosen}
    return tuple(
        (max(piece.from_ns, span[0]) // NS_PER_MS, min(piece.to_ns, span[1]) // NS_PER_MS)
        for source in sources
        if id(source) not in used
        for piece in source.pieces
    )


def _tracks(blocks: Sequence[Block], zero_ns: int, early: int) -> list[TrackTables]:
    """Return the tracks of the file, `early` ticks of the movie later than their samples."""
    starts = accumulate((block.size_bytes for block in blocks), initial=0)
    video, sound = list[PlacedTables](), list[PlacedTables]()
    for block, body_at in zip(blocks, starts, strict=False):
        for track, placed in ((block.video, video), (block.sound, sound)):
            if track is not None:
                later = ticks(block.zero_ns - zero_ns, track.timescale)
                later += early * track.timescale // MOVIE_SCALE
                placed.append(PlacedTables(track.tables, later, body_at))
    kinds = (blocks[0].video, next((block.sound for block in blocks if block.sound), None))
    return [
        with_steps_that_fit(TrackTables(track.header, track.timescale, placed))
        for track, placed in zip(kinds, (video, sound), strict=True)
        if track is not None
    ]


def _etag(blocks: Sequence[Block], zero_ns: int, span: tuple[int, int]) -> str:
    """Return the ETag. The digests of the blocks cover their bytes and times."""
    digest = hashlib.sha256(f"{LAYOUT_VERSION} {span[0]} {span[1]} {zero_ns}\n".encode())
    for block in blocks:
        digest.update(f"{block.zero_ns} ".encode() + block.digest)
    return f'"{digest.hexdigest()}"'
