"""The blocks of virtual files that a process keeps, so that the layouts of an hour are read once
for several requests.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from api.cameras.segment_locator import Located
from domain.errors import BadInput
from storage.recordings.cut_plan import CutPiece
from storage.recordings.virtual.blocks import (
    BLOCK_NS,
    Block,
    BlockSource,
    is_whole,
    sources_of,
)
from storage.recordings.virtual.layout_records import LayoutRecord, StoredRecord
from storage.recordings.virtual.record_batches import read_records
from storage.recordings.virtual.timeline import LaidOutPiece

MOST_BYTES = 128 << 20
"""The most memory that blocks use; a day at 25 pictures a second has about 30 MB."""
MOST_SAMPLES = 20_000_000
"""The most pictures and pieces of sound of a file. A day of 100 pictures and 50 pieces of sound a
second has 13 million.
"""
MOST_READ_RECORDS = 800
"""More than two hours of segments of 10 s. Each has about 12 kB at 25 pictures a second."""
SegmentKey = tuple[int, int]
Damaged = Mapping[SegmentKey, frozenset[int]]
_State = tuple[object, ...]


class Records(Protocol):
    """The layouts of segments, wherever they are."""

    def check(self, segments: Sequence[Located]) -> None:
        """Raise BadInput if too much must be read for the layouts of these segments."""

    def read(self, segments: Sequence[Located]) -> Mapping[SegmentKey, StoredRecord]:
        """Return the layouts of segments. One that cannot be read is left out."""


@dataclass(frozen=True, slots=True)
class _KnownBlock:
    """A block, and the places of its pieces among those of its hour."""

    places: tuple[int, ...]
    description: bytes
    block: Block | None


class RecordingBlocks:
    """Finds the blocks of the hours of a range. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[_State, tuple[_KnownBlock, ...]] = OrderedDict()
        self._size_bytes = 0
        self._read = _ReadRecords()
        self._making = threading.Lock()
        """One thread computes at a time, which limits the memory."""

    def sources(
        self,
        pieces: Sequence[CutPiece],
        located: Mapping[SegmentKey, Located],
        damaged: Damaged,
        records: Records,
        from_ns: int,
    ) -> list[BlockSource]:
        """Return the sources of the blocks of pieces. The layouts of hours whose blocks are not
        known are read from `records`; a piece without one is left out.

        Raises BadInput if too much must be read or the pieces have too many samples, DataLoss,
        and what `records` raises.
        """
        hours = [
            _Hour(list(group), located, damaged)
            for _, group in groupby(pieces, lambda one: one.segment.start_ns // BLOCK_NS)
        ]
        known = [self._get(hour.state) for hour in hours]
        unread = [hour for hour, blocks in zip(hours, known, strict=True) if blocks is None]
        records.check([located[key_of(piece)] for hour in unread for piece in hour.pieces])
        found: list[BlockSource] = []
        reading = _Reading(located, damaged, records, self._read)
        for hour, blocks in zip(hours, known, strict=True):
            if blocks is None:
                found += self._made(hour, reading.laid_out(hour.pieces), from_ns)
            else:
                found += [_source(one, hour.pieces, reading) for one in blocks]
        return found

    def _made(
        self, hour: _Hour, pieces: Sequence[LaidOutPiece], from_ns: int
    ) -> Sequence[BlockSource]:
        with self._making:
            made = list(sources_of(pieces, from_ns))
        self._add(hour, made)
        return made

    def _get(self, state: _State | None) -> tuple[_KnownBlock, ...] | None:
        if state is None:
            return None
        with self._lock:
            known = self._known.get(state)
            if known is not None:
                self._known.move_to_end(state)
            return known

    def _add(self, hour: _Hour, made: Sequence[BlockSource]) -> None:
        state = hour.state
        if state is None:
            return
        place = {id(piece): number for number, piece in enumerate(hour.pieces)}
        known = tuple(
            _KnownBlock(tuple(place[id(piece)] for piece in one.pieces), one.description, one.block)
            for one in made
        )
        with self._lock:
            if state in self._known:
                return
            self._known[state] = known
            self._size_bytes += _memory_bytes(known)
            while self._size_bytes > MOST_BYTES and len(self._known) > 1:
                _, oldest = self._known.popitem(last=False)
                self._size_bytes -= _memory_bytes(oldest)


class _Hour:
    """The pieces of one hour of a file."""

    def __init__(
        self,
        pieces: Sequence[CutPiece],
        located: Mapping[SegmentKey, Located],
        damaged: Damaged,
    ) -> None:
        self.pieces = pieces
        self.state = _state_of(pieces, located, damaged)
        """What decides about its blocks; None if they are not the same in other files."""


class _ReadRecords:
    """The contents of the records that were read last. Thread-safe.

    Ranges that overlap, as a player requests them, have no whole hour in common. A content is found
    by the bytes of its record, so it is always that of the record.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, LayoutRecord] = OrderedDict()

    def contents(self, stored: Sequence[StoredRecord]) -> list[LayoutRecord]:
        """Return the content of records. Raises DataLoss if one cannot be read."""
        with self._lock:
            known = {one.data: self._known[one.data] for one in stored if one.data in self._known}
        unread = [one for one in stored if one.data not in known]
        if unread:
            read = read_records(unread)
            new = {one.data: content for one, content in zip(unread, read, strict=True)}
            known |= new
            with self._lock:
                self._known |= new
                while len(self._known) > MOST_READ_RECORDS:
                    self._known.popitem(last=False)
        return [known[one.data] for one in stored]


class _Reading:
    """Reads the layouts of pieces for one file."""

    def __init__(
        self,
        located: Mapping[SegmentKey, Located],
        damaged: Damaged,
        records: Records,
        read: _ReadRecords,
    ) -> None:
        self._read = read
        self._located = located
        self._damaged = damaged
        self._records = records
        self._samples = 0

    def laid_out(self, pieces: Sequence[CutPiece]) -> list[LaidOutPiece]:
        """Return pieces with their layouts. A stolen node chooses how many samples it sends."""
        keys = [key_of(piece) for piece in pieces]
        stored = self._records.read([self._located[key] for key in dict.fromkeys(keys)])
        have = [key for key in dict.fromkeys(keys) if key in stored]
        contents_of = self._read.contents([stored[key] for key in have])
        records = dict(zip(have, contents_of, strict=True))
        for layout in (record.layout for record in records.values()):
            sound = layout.sound
            self._samples += len(layout.video) + (0 if sound is None else len(sound))
        if self._samples > MOST_SAMPLES:
            raise BadInput(
                "the range has more than {most_millions} million pictures and "
                "pieces of sound; request it in parts",
                most_millions=round(MOST_SAMPLES / 1000000.0),
            )
        contents = {key: _content(self._located[key], record) for key, record in records.items()}
        return [
            LaidOutPiece(
                piece,
                record.layout,
                record.hashes,
                self._damaged.get(key, frozenset()),
                contents[key],
                record.is_hashed_late,
            )
            for key, piece in zip(keys, pieces, strict=True)
            if (record := records.get(key)) is not None
        ]


def _content(one: Located, record: LayoutRecord) -> bytes:
    """Return what differs between two contents of a segment, unless the hashes of the recorder
    prove the content, or it is being written and only grows.
    """
    if record.hashes is None:
        version = one.version
        text = f"{version.size_bytes} {version.modified_ns} {version.inode} {version.etag}"
        return b"" if one.is_open else hashlib.sha256(text.encode()).digest()
    return hashlib.sha256(b"".join(record.hashes)).digest() if record.is_hashed_late else b""


def key_of(piece: CutPiece) -> SegmentKey:
    return piece.segment.start_ns, piece.segment.fence


def _source(known: _KnownBlock, hour: Sequence[CutPiece], reading: _Reading) -> BlockSource:
    pieces = [hour[place] for place in known.places]
    return BlockSource(pieces, known.description, lambda: reading.laid_out(pieces), known.block)


def _state_of(
    hour: Sequence[CutPiece], located: Mapping[SegmentKey, Located], damaged: Damaged
) -> _State | None:
    """Return what decides about the blocks of whole segments; None if a piece is not whole."""
    if not all(map(is_whole, hour)):
        return None
    parts: list[object] = [hour[0].segment.camera_id]
    for piece in hour:
        key = key_of(piece)
        one = located[key]
        parts += (key, one.end_ns, one.version, one.lease is None, damaged.get(key))
    return tuple(parts)


def _memory_bytes(known: Sequence[_KnownBlock]) -> int:
    return sum(one.block.memory_bytes for one in known if one.block is not None)
