"""Checks the invariants of the index's layout, shard by shard and in small steps; docs/index.md
numbers them.

A concurrent write may be read half done. A caller that checks twice and uses only what both passes
found gets no false finding.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from domain.clock import MS_PER_HOUR
from storage.clients.lua import load_script
from storage.clients.redis import Redis, Script
from storage.index.layout import LAYOUT
from storage.index.plate_code import NO_PLATE
from storage.index.record_layout import NO_PLACE, RECORD_BYTES, IndexRecord, split_records
from storage.index.rows import BLOCK, POINTER_BYTES
from storage.index.shards import SHARDS

_EMPTY = struct.pack("<II", 0xFFFFFFFF, 0)
_POSTS_A_CALL, _NUMBERS_A_CALL, _BUCKETS = 256, 512, 16_381

_TOTALS = load_script("index", "check_totals")
_HOUR = load_script("index", "check_hour")
_BLOCK = load_script("index", "check_block")
_BODIES = load_script("index", "check_overflow_records")
_PLACES = load_script("index", "check_places")
_NOT_POSTED = load_script("index", "keys", "pointer_order", "check_postings")
_NUMBERS = load_script("index", "keys", "pointer_order", "check_plate_numbers")
_BUCKETED = load_script("index", "check_buckets")


def check_index(redis: Redis) -> Iterator[tuple[str, str]]:
    """Yield each violation as its key and a sentence; nothing if the index is sound."""
    shards = [_Shard(redis, f"{{e{shard}}}") for shard in range(SHARDS)]
    for shard in shards:
        yield from shard.read_totals()
    for hour in sorted({hour for shard in shards for hour in shard.hours}):
        ids: Counter[bytes] = Counter()
        for shard in shards:
            yield from shard.check_hour(hour, ids)
        yield from (
            (f"hour {hour}", f"an event lies in {count} places: {tail.hex()}")
            for tail, count in ids.items()
            if count > 1
        )
    for shard in shards:
        yield from shard.compare_totals()


@dataclass(slots=True)
class _Shard:
    redis: Redis
    prefix: str
    hours: set[int] = field(default_factory=set)
    totals: tuple[bytes, list[bytes], int, int, int, int, bytes, int] = (
        b"",
        [],
        0,
        0,
        0,
        0,
        b"",
        0,
    )
    posts: int = 0
    events: int = 0
    overflow: int = 0
    names: set[bytes] = field(default_factory=set)

    def read_totals(self) -> Iterator[tuple[str, str]]:
        self.totals = cast(
            "tuple[bytes, list[bytes], int, int, int, int, bytes, int]", self._ask(_TOTALS)
        )
        version, hours, count, *_ = self.totals
        self.hours = {int(hour) for hour in hours}
        if count and int(version or b"1") != LAYOUT:
            yield (
                self.prefix,
                f"it is of layout {int(version or b'1')}, and this program's is {LAYOUT}",
            )

    def compare_totals(self) -> Iterator[tuple[str, str]]:
        _, _, count, numbers, free, bodies, total, live = self.totals
        if self.events != count:
            yield f"{self.prefix}:n", f"says {count}, and there are {self.events} events"
        if self.overflow != bodies:
            yield f"{self.prefix}:x", f"has {bodies} entries for {self.overflow} overflow records"
        yield from self._places(int(total))
        plates, pointers = yield from self._dictionary(numbers)
        if pointers != self.posts:
            yield (
                f"{self.prefix}:p",
                f"plates lead to {pointers} records, and {self.posts} are theirs",
            )
        if not plates == live == numbers - free == self._bucketed():
            yield (
                f"{self.prefix}:t",
                f"{plates} plates have a number, {live} are live, {free} of {numbers} numbers "
                "are free",
            )

    def check_hour(self, hour: int, ids: Counter[bytes]) -> Iterator[tuple[str, str]]:
        if hour not in self.hours:
            return
        where = f"{self.prefix}:h{hour}"
        directory, said, said_faces = cast("tuple[bytes, bytes, bytes]", self._ask(_HOUR, hour))
        events = faces = 0
        for k in range(len(directory) // 8):
            ranges = directory[k * 8 : k * 8 + 8]
            block, others = cast("tuple[bytes, bytes]", self._ask(_BLOCK, hour, k))
            if (
                len(block) % RECORD_BYTES
                or len(block) > BLOCK * RECORD_BYTES
                or (not block) != (ranges == _EMPTY)
            ):
                yield (
                    f"{self.prefix}:b{hour}:{k}",
                    f"has {len(block)} bytes, and its directory says {ranges.hex()}",
                )
                continue
            records = [
                (i, record)
                for i, record in enumerate(split_records(block))
                if not record.is_removed
            ]
            events += len(records)
            faces += sum(record.is_face for _, record in records)
            ids.update(record.id_tail for _, record in records)
            yield from self._block(hour, k, records, struct.unpack("<II", ranges), others)
        if (int(said), int(said_faces)) != (events, faces):
            yield (
                where,
                f"is said to have {int(said)} events, {int(said_faces)} of faces, and has "
                f"{events} and {faces}",
            )
        self.events += events

    def _block(
        self,
        hour: int,
        k: int,
        records: Sequence[tuple[int, IndexRecord]],
        ranges: tuple[int, ...],
        others: bytes,
    ) -> Iterator[tuple[str, str]]:
        where = f"{self.prefix}:b{hour}:{k}"
        starts = [record.start_in_hour_ms for _, record in records]
        if not records or not ranges[0] <= min(starts) <= max(starts) <= ranges[1] < MS_PER_HOUR:
            yield where, f"its directory does not hold its starts: {ranges}"
        self.names |= {
            record.place_name
            for _, record in records
            if not (record.is_overflow and record.place_name == NO_PLACE)
        }
        alternatives = _alternatives(others)
        overflow = {
            i: (hour << 20 | k * BLOCK + i).to_bytes(POINTER_BYTES, "big")
            for i, record in records
            if record.is_overflow
        }
        self.overflow += len(overflow)
        bodies = dict(
            zip(
                overflow,
                cast("list[bytes]", self._ask(_BODIES, *overflow.values())) if overflow else [],
                strict=True,
            )
        )
        if stray := alternatives.keys() - {i for i, record in records if record.has_alternatives}:
            yield where, f"has alternatives for records that have none: {sorted(stray)}"
        posts = [
            (code, hour << 20 | k * BLOCK + i)
            for i, record in records
            for code in _posts(record, alternatives.get(i, ()), bodies.get(i, b""))
        ]
        self.posts += len(posts)
        for at in range(0, len(posts), _POSTS_A_CALL):
            packed = b"".join(
                code + pointer.to_bytes(POINTER_BYTES, "big")
                for code, pointer in posts[at : at + _POSTS_A_CALL]
            )
            for lost in cast("list[bytes]", self._ask(_NOT_POSTED, packed)):
                yield (
                    where,
                    f"the plate {lost[:6].hex()} does not lead to its record {lost[6:].hex()}",
                )

    def _places(self, total: int) -> Iterator[tuple[str, str]]:
        known = {name for name in cast("list[bytes]", self._ask(_PLACES)) if len(name) == 4}
        if self.names - known:
            yield f"{self.prefix}:pl", f"lacks {len(self.names - known)} places that records name"
        if sum(int.from_bytes(name, "little") + 1 for name in known) != total:
            yield f"{self.prefix}:pl", "its names do not add up to what it says"

    def _dictionary(self, numbers: int) -> Generator[tuple[str, str], None, tuple[int, int]]:
        plates = pointers = 0
        for first in range(0, int(numbers), _NUMBERS_A_CALL):
            codes, said, *planes = cast("list[bytes]", self._ask(_NUMBERS, first, _NUMBERS_A_CALL))
            given = np.frombuffer(codes, np.uint8).reshape(-1, 6)
            numbers_of = np.frombuffer(said, "<u4").reshape(-1, 3)
            used = np.flatnonzero(given.any(axis=1))
            plates, pointers = plates + len(used), pointers + int(numbers_of[used, 1].sum())
            if (numbers_of[used, 0] != first + used).any():
                yield (
                    f"{self.prefix}:t",
                    f"plates among the numbers from {first} on say that they have others",
                )
            if numbers_of[used, 2].any():
                yield (
                    f"{self.prefix}:q",
                    f"pointers of plates among the numbers from {first} on do not lie in order",
                )
            is_long, is_used = (given[:, 5] & 63) != 0, np.isin(np.arange(len(given)), used)
            expected = np.concatenate(
                [np.unpackbits(given, axis=1), is_long[:, None], is_used[:, None]], axis=1
            )
            size = len(given) + -len(given) % 8
            found = [
                np.unpackbits(np.frombuffer(plane.ljust(size // 8, b"\0"), np.uint8))[: len(given)]
                for plane in planes
            ]
            if (np.stack(found, axis=1) != expected).any():
                yield (
                    f"{self.prefix}:s",
                    f"the bitmaps of the numbers from {first} on are not those of their plates",
                )
        return plates, pointers

    def _bucketed(self) -> int:
        spans = [(at, min(at + 1000, _BUCKETS) - 1) for at in range(0, _BUCKETS, 1000)]
        return sum(cast("int", self._ask(_BUCKETED, first, last)) for first, last in spans)

    def _ask(self, script: str, *arguments: bytes | int | str) -> object:
        return self.redis.run_all([Script(script, self.prefix, arguments)])[0]


def _alternatives(data: bytes) -> dict[int, tuple[bytes, ...]]:
    """Return the codes of a block's alternatives by ordinal."""
    found: dict[int, tuple[bytes, ...]] = {}
    at = 0
    while at < len(data):
        end = at + 2 + data[at + 1] * 8
        found[data[at]] = tuple(data[i : i + 6] for i in range(at + 2, end, 8))
        at = end
    return found


def _posts(record: IndexRecord, others: Sequence[bytes], body: bytes) -> set[bytes]:
    """Return the plates by which a record must be found; `body` is the stored part of an overflow
    record.
    """
    if record.is_overflow:
        count = body[8] if body else 0
        return {body[9 + i * 6 : 15 + i * 6] for i in range(count)} | (
            {record.plate_code} - {NO_PLATE}
        )
    return {record.plate_code, *others} - {NO_PLATE}
