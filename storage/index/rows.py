"""What the index's shards answer: rows, many records at once, counts; and how plates are asked
for. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.clock import MS_PER_HOUR
from storage.index.plate_code import CodeMask
from storage.index.record import RECORD, RECORDS, START_BITS

POINTER_BYTES = 5
BLOCK = 256
"""Records that a block holds at most."""
_OPAQUE = np.dtype(("V", RECORD.size))
_POINTER = np.dtype([("high", "u1"), ("low", ">u4")])


class IndexRow(NamedTuple):
    """A record and where it lies."""

    shard: int
    pointer: bytes
    record: bytes

    @property
    def hour(self) -> int:
        return int.from_bytes(self.pointer, "big") >> 20

    @property
    def start_ms(self) -> int:
        return self.hour * MS_PER_HOUR + (int.from_bytes(self.record[:4], "little") & START_BITS)

    @property
    def order(self) -> tuple[int, bytes]:
        """The order of ids."""
        return self.start_ms, self.record[4:14]


@dataclass(frozen=True, slots=True)
class Records:
    """Many records, gaps of removed ones among them, and where each lies."""

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
        records = np.frombuffer(b"".join([row.record for row in rows]), RECORDS)
        return cls(records, pointers, np.array([row.shard for row in rows], np.int64))

    @classmethod
    def joined(cls, parts: Sequence[Records]) -> Records:
        records = np.frombuffer(b"".join([part.records.tobytes() for part in parts]), RECORDS)
        pointers, shards = (
            [np.empty(0, np.int64), *(getattr(part, name) for part in parts)]
            for name in ("pointers", "shards")
        )
        return cls(records, np.concatenate(pointers), np.concatenate(shards))

    @classmethod
    def of_blocks(cls, firsts: Sequence[bytes], blocks: Sequence[Sequence[bytes]]) -> Records:
        """Of each shard the pointers of its blocks' first records, and the blocks."""
        records = np.frombuffer(b"".join([block for found in blocks for block in found]), RECORDS)
        sizes = [len(block) // RECORD.size for found in blocks for block in found]
        starts = np.array(numbers_of(b"".join(firsts)), np.int64) - np.array(
            [0, *accumulate(sizes)][:-1], np.int64
        )
        shards = np.repeat(
            np.arange(len(blocks)),
            [sum(len(block) // RECORD.size for block in found) for found in blocks],
        )
        return cls(records, np.arange(len(records)) + np.repeat(starts, sizes), shards)

    def __getitem__(self, which: NDArray[np.int64]) -> Records:
        # As opaque bytes: numpy copies a record field by field otherwise, twelve times as slow.
        records = self.records.view(_OPAQUE)[which].view(RECORDS)
        return Records(records, self.pointers[which], self.shards[which])

    def rows(self) -> list[IndexRow]:
        size, records = RECORD.size, self.records.tobytes()
        return [
            IndexRow(shard, pointer.to_bytes(POINTER_BYTES, "big"), records[at : at + size])
            for shard, pointer, at in zip(
                self.shards.tolist(),
                self.pointers.tolist(),
                range(0, len(records), size),
                strict=True,
            )
        ]


@dataclass(frozen=True, slots=True)
class HourCount:
    """How many events an hour has, and how many of them are of faces."""

    events: int = 0
    faces: int = 0


@dataclass(frozen=True, slots=True)
class Rows:
    """What one look found, and `bound`: every event before it in the order asked for is among
    them; None where there are no more.
    """

    rows: list[IndexRow]
    bound_ms: int | None


@dataclass(frozen=True, slots=True)
class Many:
    """Too many plates match: what part of a shard's plates they are."""

    part: float


@dataclass(frozen=True, slots=True)
class Codes:
    """The plates that a look wants: of these codes, or that meet one of these demands."""

    codes: tuple[bytes, ...] = ()
    demands: tuple[CodeMask, ...] = ()
    page: int = 0
    """How many events are wanted where any of these plates will do; 0 where most of theirs may
    not be what is asked for.
    """
    is_read: bool = False
    """Rows that were read as another plate are not wanted, though one of these was held
    possible.
    """


def numbers_of(pointers: bytes) -> list[int]:
    """Pointers one after the other as numbers."""
    found = np.frombuffer(pointers, _POINTER)
    numbers: list[int] = (found["high"].astype(np.int64) << 32 | found["low"]).tolist()
    return numbers
