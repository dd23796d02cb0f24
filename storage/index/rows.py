"""The answers of the shards: rows, many records, and counts; and the plates of a request. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.clock import MS_PER_HOUR
from domain.events.event import event_version
from storage.index.plate_code import CodeMask
from storage.index.record_layout import (
    RECORD_BYTES,
    RECORD_DTYPE,
    START_BITS,
    IndexRecord,
    split_records,
)

POINTER_BYTES = 5
_ROW_BYTES = POINTER_BYTES + RECORD_BYTES
BLOCK = 256
"""The most records of a block."""
_OPAQUE = np.dtype(("V", RECORD_BYTES))
_POINTER = np.dtype([("high", "u1"), ("low", ">u4")])


class IndexRow(NamedTuple):
    """A record, its shard and its pointer."""

    shard: int
    pointer: bytes
    record: IndexRecord

    @property
    def hour(self) -> int:
        return int.from_bytes(self.pointer, "big") >> 20

    @property
    def start_ms(self) -> int:
        return self.hour * MS_PER_HOUR + (self.record.start_in_hour_ms)

    @property
    def order(self) -> tuple[int, bytes]:
        """The sort key of the event's id."""
        return self.start_ms, self.record.id_tail

    @property
    def version(self) -> int:
        """The version of the event by `event_version`, without its correction."""
        return event_version(self.start_ms + self.record.end_after_ms, self.record.clip_state)


@dataclass(frozen=True, slots=True)
class Records:
    """Many records with shard and pointer of each; removed ones are zeros."""

    records: NDArray[np.void]
    pointers: NDArray[np.int64]
    shards: NDArray[np.int64]

    @property
    def start_ms(self) -> NDArray[np.int64]:
        return (self.pointers >> 20) * MS_PER_HOUR + (self.records["bits"] & START_BITS).astype(
            np.int64
        )

    @classmethod
    def of(cls, rows: Sequence[IndexRow]) -> Records:
        pointers = np.array([int.from_bytes(row.pointer, "big") for row in rows], np.int64)
        records = np.frombuffer(b"".join([row.record for row in rows]), RECORD_DTYPE)
        return cls(records, pointers, np.array([row.shard for row in rows], np.int64))

    @classmethod
    def joined(cls, parts: Sequence[Records]) -> Records:
        records = np.frombuffer(b"".join([part.records.tobytes() for part in parts]), RECORD_DTYPE)
        pointers, shards = (
            [np.empty(0, np.int64), *(getattr(part, name) for part in parts)]
            for name in ("pointers", "shards")
        )
        return cls(records, np.concatenate(pointers), np.concatenate(shards))

    @classmethod
    def of_blocks(cls, firsts: Sequence[bytes], blocks: Sequence[Sequence[bytes]]) -> Records:
        """Return the records of blocks; `firsts` has for each shard the pointers of their first
        records.
        """
        records = np.frombuffer(
            b"".join([block for found in blocks for block in found]), RECORD_DTYPE
        )
        sizes = [len(block) // RECORD_BYTES for found in blocks for block in found]
        starts = np.array(numbers_of(b"".join(firsts)), np.int64) - np.array(
            [0, *accumulate(sizes)][:-1], np.int64
        )
        shards = np.repeat(
            np.arange(len(blocks)),
            [sum(len(block) // RECORD_BYTES for block in found) for found in blocks],
        )
        return cls(records, np.arange(len(records)) + np.repeat(starts, sizes), shards)

    def __getitem__(self, which: NDArray[np.int64]) -> Records:
        # As opaque bytes: numpy copies a record field by field otherwise, twelve times as slow.
        records = self.records.view(_OPAQUE)[which].view(RECORD_DTYPE)
        return Records(records, self.pointers[which], self.shards[which])

    def rows(self) -> list[IndexRow]:
        return [
            IndexRow(shard, pointer.to_bytes(POINTER_BYTES, "big"), record)
            for shard, pointer, record in zip(
                self.shards.tolist(),
                self.pointers.tolist(),
                split_records(self.records.tobytes()),
                strict=True,
            )
        ]


@dataclass(frozen=True, slots=True)
class HourCount:
    """How many events an hour has, and how many of them are of faces."""

    events: int = 0
    faces: int = 0


@dataclass(frozen=True, slots=True)
class BoundedRows:
    """The rows of one read. They include every event before `bound_ms` in the order of the search;
    None means that no event is left.
    """

    rows: list[IndexRow]
    bound_ms: int | None


@dataclass(frozen=True, slots=True)
class TooManyPlates:
    """The answer when too many plates match: their share of the shard's plates."""

    part: float


@dataclass(frozen=True, slots=True)
class Codes:
    """The plates that a request looks up: plates with these codes, and plates that meet one of
    these conditions.
    """

    codes: tuple[bytes, ...] = ()
    masks: tuple[CodeMask, ...] = ()
    page: int = 0
    """The number of events on a page if any of these plates fills it; 0 if other conditions may
    exclude most of their events.
    """
    is_read: bool = False
    """Whether to leave out rows that were read as another plate and have one of these among their
    alternatives.
    """


def numbers_of(pointers: bytes) -> list[int]:
    """Return consecutive pointers as numbers."""
    found = np.frombuffer(pointers, _POINTER)
    numbers: list[int] = (found["high"].astype(np.int64) << 32 | found["low"]).tolist()
    return numbers


def rows_of(shard: int, packed: bytes) -> list[IndexRow]:
    """Return the rows of a shard's answer: for each its pointer, and then its record."""
    return [
        IndexRow(
            shard,
            packed[at : at + POINTER_BYTES],
            IndexRecord(packed[at + POINTER_BYTES : at + _ROW_BYTES]),
        )
        for at in range(0, len(packed), _ROW_BYTES)
    ]
