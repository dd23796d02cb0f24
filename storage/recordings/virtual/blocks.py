"""Blocks of a virtual file: the tables of the segments that begin in one hour. Pure.

A block of whole segments does not depend on the range of the file, so it is made once, and files of
many ranges share it. Its times count from a time of its own, `zero_ns`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from math import gcd

import numpy as np

from domain.clock import NS_PER_HOUR, NS_PER_S
from storage.mp4.file_headers import MOVIE_SCALE
from storage.mp4.fragment_samples import BoolArray, IntArray
from storage.mp4.sample_tables import Samples, SampleTables, sample_tables
from storage.mp4.tracks import TrackHeader
from storage.recordings.cut_plan import JOIN_GAP_NS, CutPiece
from storage.recordings.ledger import Segment
from storage.recordings.packet_coverage import cover_files
from storage.recordings.virtual.timeline import (
    LaidOutPiece,
    PictureRun,
    PlacedTrack,
    SoundPlace,
    first_sound,
    joined_times,
    picture_runs,
    placed_pictures,
    placed_sound,
)

BLOCK_NS = NS_PER_HOUR
_SEGMENT_MEMORY_BYTES = 2000


@dataclass(frozen=True, slots=True, eq=False)
class UsedSegment:
    """A segment of which a virtual file has bytes."""

    segment: Segment
    fragments: IntArray
    """For each fragment its offset and its end: n rows of 2."""
    hashes: tuple[bytes, ...] | None
    """The SHA-256 of each fragment; None if nothing hashed it."""
    content: bytes
    """As in `LaidOutPiece`."""
    span_ns: tuple[int, int]
    """The part of the recording for which it is used (UTC ns)."""
    is_proven: bool
    """Whether the recorder hashed its fragments as it wrote them."""


@dataclass(frozen=True, slots=True)
class Seam:
    """What the blocks before leave for the next one; nothing before the first."""

    picture: int | None = None
    """The decoding time of the last picture, in ticks from the next block's `zero_ns`."""
    sound: int | None = None
    """The end of the sound, likewise."""
    end_ns: int = 0
    """The end of the last picture (UTC ns)."""


@dataclass(frozen=True, slots=True, eq=False)
class BlockTrack:
    """A track of a block."""

    header: TrackHeader
    timescale: int
    tables: SampleTables
    """Chunks are placed from the first byte of the block on."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Adjacent segments with equal codec parameters, at least one picture, as a part of a file."""

    zero_ns: int
    video: BlockTrack
    sound: BlockTrack | None
    sound_header: TrackHeader | None
    """The kind of sound that was placed, if any."""
    segments: tuple[UsedSegment, ...]
    extents: IntArray
    """For each extent the segment, the offset and the length: n rows of 3."""
    starts: IntArray
    """The offset of each extent in the block, and the length of all."""
    first_ns: int
    """The wall time of the first picture."""
    covered_ns: tuple[tuple[int, int], ...]
    """The ranges that its pictures cover, as far as JOIN_GAP_NS is no gap."""
    first_covered_end_ns: int
    """The end of the first range before short pauses were ignored."""
    end_ns: int
    """The end of its last picture."""
    digest: bytes
    """The SHA-256 of all that decides about its bytes and times."""

    @property
    def size_bytes(self) -> int:
        return int(self.starts[-1])

    @property
    def memory_bytes(self) -> int:
        """The approximate size of this object in memory."""
        tables = [one.tables.memory_bytes for one in (self.video, self.sound) if one]
        arrays = self.extents.nbytes + self.starts.nbytes
        return sum(tables) + arrays + _SEGMENT_MEMORY_BYTES * len(self.segments)

    def follows(self, seam: Seam) -> bool:
        """Return whether it is the same after the blocks before as alone."""
        picture, sound = self.video.tables.first_time, self.sound
        return (
            (seam.picture is None or picture > seam.picture)
            and (sound is None or seam.sound is None or sound.tables.first_time >= seam.sound)
            and seam.end_ns <= self.first_covered_end_ns
        )


@dataclass(frozen=True, slots=True, eq=False)
class BlockSource:
    """Pieces of adjacent segments with equal codec parameters, and the block of them."""

    pieces: Sequence[CutPiece]
    description: bytes
    """Their codec parameters."""
    load: Callable[[], Sequence[LaidOutPiece]]
    """Returns the pieces with their layouts."""
    block: Block | None
    """Their block in files in which nothing before reaches into it; None if the pieces are not
    whole, or no picture of them can be used.
    """


def sources_of(pieces: Sequence[LaidOutPiece], from_ns: int) -> Iterator[BlockSource]:
    """Yield the sources of the blocks of a file that begins at `from_ns` or later."""
    for (_, description), group in groupby(pieces, _block_key):
        ours = list(group)
        block = _shared_block(ours, from_ns) if all(is_whole(one.piece) for one in ours) else None
        yield BlockSource([one.piece for one in ours], description, partial(list, ours), block)


def is_whole(piece: CutPiece) -> bool:
    """Return whether all of a segment is used, which is not being written."""
    segment = piece.segment
    return piece.from_ns == segment.start_ns and piece.to_ns == segment.end_ns


def _block_key(one: LaidOutPiece) -> tuple[int, bytes]:
    return one.piece.segment.start_ns // BLOCK_NS, one.layout.video.header.description


def _shared_block(pieces: Sequence[LaidOutPiece], from_ns: int) -> Block | None:
    """Return the block of whole segments, none of which begins before `from_ns`."""
    runs = picture_runs(pieces, is_first=False)
    if not runs:
        return None
    header, start_ns = first_sound(pieces), pieces[0].piece.segment.start_ns
    zero_ns = block_zero_ns(start_ns, from_ns, header)
    place = None if header is None else SoundPlace(header, from_ns, zero_ns)
    return make_block(pieces, runs, zero_ns, place, Seam())


def block_zero_ns(start_ns: int, zero_ns: int, sound: TrackHeader | None) -> int:
    """Return the zero of a block that begins at `start_ns`, in a file whose time 0 is `zero_ns`.

    Between both are whole ticks of both tracks, so that times are rounded alike. For a range that
    begins at a whole millisecond it is mostly `start_ns`.
    """
    scale = MOVIE_SCALE if sound is None else sound.timescale
    period_ns = NS_PER_S // gcd(MOVIE_SCALE, scale, NS_PER_S)
    return start_ns - (start_ns - zero_ns) % period_ns


def make_block(
    pieces: Sequence[LaidOutPiece],
    runs: Sequence[PictureRun],
    zero_ns: int,
    sound_place: SoundPlace | None,
    seam: Seam,
) -> Block:
    """Make a block of pieces, of whose pictures `runs` are used."""
    walls_ns, decodes_ns = joined_times(pieces, runs)
    pictures = placed_pictures(pieces, runs, (walls_ns, decodes_ns), zero_ns, seam.picture)
    sound = None if sound_place is None else placed_sound(pieces, runs, sound_place)
    tracks, extents = _arranged([pictures, *([] if sound is None else [sound])])
    firsts = np.cumsum([0, *(run.last - run.first for run in runs)])[:-1].astype(np.int64)
    ends_ns = [run.known_end_ns for run in runs]
    covered, end_ns = cover_files(walls_ns, decodes_ns, firsts, ends_ns, seam.end_ns)
    segments = tuple(
        UsedSegment(
            one.piece.segment,
            one.layout.fragments,
            one.hashes,
            one.content,
            (one.piece.from_ns, one.piece.to_ns),
            is_proven=one.hashes is not None and not one.is_hashed_late,
        )
        for one in pieces
    )
    return Block(
        zero_ns,
        tracks[0],
        tracks[1] if len(tracks) > 1 else None,
        None if sound_place is None else sound_place.header,
        segments,
        extents,
        np.concatenate((np.zeros(1, np.int64), np.cumsum(extents[:, 2]))),
        int(walls_ns[0]),
        _joined(covered),
        covered[0][1],
        end_ns,
        _digest(tracks, segments, extents),
    )


def _joined(covered: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    for start_ns, end_ns in covered:
        if found and start_ns - found[-1][1] <= JOIN_GAP_NS:
            found[-1] = (found[-1][0], max(found[-1][1], end_ns))
        else:
            found.append((start_ns, end_ns))
    return tuple(found)


def _arranged(tracks: Sequence[PlacedTrack]) -> tuple[list[BlockTrack], IntArray]:
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


def _tables(track: PlacedTrack, begins_chunk: BoolArray, places: IntArray) -> BlockTrack:
    chunks = np.flatnonzero(begins_chunk)
    samples = Samples(
        times=track.times,
        shifts=track.shown - track.times,
        end=int((track.shown + track.durations).max()),
        last_duration=int(track.durations[-1]),
        sizes=track.sizes,
        keyframes=np.flatnonzero(track.are_keyframes) + 1,
        chunks=places[chunks],
        in_chunk=np.diff(np.append(chunks, len(places))),
    )
    return BlockTrack(track.header, track.timescale, sample_tables(samples))


def _digest(
    tracks: Sequence[BlockTrack], segments: Sequence[UsedSegment], extents: IntArray
) -> bytes:
    """Return the digest. The names of segments are unique, and the extents are in them."""
    digest = hashlib.sha256()
    for used in segments:
        one = used.segment
        digest.update(f"{one.camera_id} {one.start_ms} {one.fence}\n".encode() + used.content)
    digest.update(extents.tobytes())
    for track in tracks:
        header, tables = track.header, track.tables
        numbers = (tables.count, tables.first_time, tables.last_time, tables.end)
        digest.update(f"{header.timescale} {numbers} {tables.last_duration}\n".encode())
        digest.update(header.shown_size + header.description)
        for rows in (tables.steps, tables.shifts, tables.sizes, tables.keyframes.tobytes()):
            digest.update(len(rows).to_bytes(8, "little") + hashlib.sha256(rows).digest())
        digest.update(tables.chunks.tobytes())
        digest.update(tables.chunk_runs.tobytes())
    return digest.digest()
