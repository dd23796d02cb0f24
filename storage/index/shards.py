"""The shards of the index: which shard has an event, and each script as a typed call to one or all
of them.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import cast

import numpy as np

from domain.clock import MS_PER_HOUR
from storage.clients.redis import Redis, Script
from storage.index import index_scripts
from storage.index.layout import LAYOUT, upgrade_layout
from storage.index.places import Places
from storage.index.plate_code import NO_PLATE
from storage.index.record import IndexEntry
from storage.index.record_layout import RECORD_DTYPE
from storage.index.rows import (
    BLOCK,
    POINTER_BYTES,
    BoundedRows,
    Codes,
    HourCount,
    IndexRow,
    Records,
    TooManyPlates,
    numbers_of,
    rows_of,
)
from storage.index.script_messages import (
    CLAIM,
    Evicted,
    by_shard,
    event_tails,
    nearest_bound,
    packed_claim,
    packed_entries,
    packed_hours,
    packed_mask,
)

SHARDS = 8
_ID = struct.Struct("<II10s")
_ORDINAL = (1 << 20) - 1
LISTED_FROM = 1024
"""From this number of records of a shard, blocks are fetched unchanged, because a script copies
each answer several times.
"""
_ANY_VERSION_MS = 1e300
BLOCKS_READ_FROM, CLAIMS_A_BLOCK = 64, 8
"""From this number of events, whole blocks of the other shards are read to find their versions; at
most one block for each eight events.
"""
GATHERED_AS_SCANNED = 1 / 350
"""Reading the rows of one plate takes as long as scanning 65 records; eight shards fill a page
together.
"""
FEW_PLATES = 32
"""For at most this number of plates of a shard, their rows are read whatever their share is."""
EXPIRED_A_CALL = 128
"""Records that one script removes: Redis serves no other client for a few milliseconds."""


def shard_of(entry: IndexEntry) -> int:
    """Return the shard of an entry: by its plate, so that one shard has all sightings of a plate;
    without a plate, by its id.
    """
    code = entry.record.plate_code
    return zlib.crc32(entry.id_tail if code == NO_PLATE else code) % SHARDS


class Shards:
    def __init__(self, redis: Redis) -> None:
        self._client = redis
        self._is_up_to_date = False
        self.places = Places(redis)

    @property
    def _redis(self) -> Redis:
        """The Redis client; the first call upgrades an older layout."""
        if not self._is_up_to_date:
            upgrade_layout(self._client, SHARDS)
            self._is_up_to_date = True
        return self._client

    def put(self, entries: Sequence[tuple[int, IndexEntry]]) -> set[int]:
        """Write each entry into its shard unless the shard has a newer version; unknown places are
        added.

        Returns the hours of events that the shard had with other content, clips aside.
        """
        groups = by_shard(entries)
        answers = self._redis.run_all(
            [
                _script(index_scripts.PUT, shard, packed_entries(group), LAYOUT)
                for shard, group in groups.items()
            ]
        )
        again: list[tuple[int, IndexEntry]] = []
        changed: set[int] = set()
        for (shard, group), answer in zip(groups.items(), answers, strict=True):
            missing, hours = cast("tuple[list[bytes], list[int]]", answer)
            again += [(shard, entry) for entry in group if entry.place.name in missing]
            changed |= set(hours)
        return changed | self.put(self._with_known_places(again)) if again else changed

    def evict(self, entries: Sequence[tuple[int, IndexEntry]]) -> Evicted:
        """Remove versions of these events from other shards, unless they are newer."""
        groups = self._in_other_shards(entries)
        scripts = [_eviction(shard, [entry for _, entry in mine]) for shard, mine in groups.items()]
        answers = cast("list[list[int]]", self._redis.run_all(scripts))
        found: dict[int, dict[bytes, tuple[int, IndexEntry]]] = {0: {}, 1: {}, 2: {}}
        for mine, answer in zip(groups.values(), answers, strict=True):
            for pair, outcome in zip(mine, answer, strict=True):
                found[outcome][pair[1].record] = pair
        return Evicted(list(found[1].values()), list(found[2].values()))

    def _in_other_shards(
        self, entries: Sequence[tuple[int, IndexEntry]]
    ) -> dict[int, list[tuple[int, IndexEntry]]]:
        """Return, by shard, the entries of other shards of which it may have a version. For many
        entries, its blocks are read to find out.
        """
        if len(entries) < BLOCKS_READ_FROM:
            groups = {
                shard: [pair for pair in entries if pair[0] != shard] for shard in range(SHARDS)
            }
            return {shard: mine for shard, mine in groups.items() if mine}
        arguments = len(entries) // CLAIMS_A_BLOCK, packed_hours([entry for _, entry in entries])
        answers = self._redis.run_all(
            [_script(index_scripts.LIST_BLOCKS, shard, *arguments) for shard in range(SHARDS)]
        )
        ours = np.frombuffer(b"".join([entry.id_tail[:8] for _, entry in entries]), ">u8").astype(
            np.uint64
        )
        whose = np.array([shard for shard, _ in entries])
        found = {}
        for shard, blocks in enumerate(cast("list[list[bytes] | int]", answers)):
            others = np.flatnonzero(whose != shard)
            met = (
                others
                if isinstance(blocks, int)
                else others[np.isin(ours[others], event_tails(blocks))]
            )
            found[shard] = [entries[i] for i in met]
        return {shard: mine for shard, mine in found.items() if mine}

    def withdraw(self, entries: Sequence[tuple[int, IndexEntry]]) -> None:
        """Remove these versions from their own shards, where there may be newer ones by now."""
        self._redis.run_all([_eviction(shard, mine) for shard, mine in by_shard(entries).items()])

    def remove(self, ids: Iterable[tuple[int, bytes]]) -> None:
        """Remove events by start (UTC ms) and the rest of the id; unknown ones are no error."""
        claims = b"".join(
            CLAIM.pack(*divmod(ms, MS_PER_HOUR), tail, _ANY_VERSION_MS, 0) for ms, tail in ids
        )
        self._run(index_scripts.EVICT, claims)

    def get(self, ids: Sequence[tuple[int, bytes]]) -> list[list[IndexRow]]:
        """Return the rows of each id: one or none. An id has two for a moment while a new reading
        replaces another.
        """
        blob = b"".join(_ID.pack(*divmod(ms, MS_PER_HOUR), tail) for ms, tail in ids)
        answers = cast("list[list[bytes]]", self._run(index_scripts.GET, blob))
        return [
            [row for shard, packed in enumerate(found) for row in rows_of(shard, packed)]
            for found in zip(*answers, strict=True)
        ]

    def scan(
        self, least_ms: int, greatest_ms: int, newest: bool, enough: int
    ) -> tuple[Records, int | None]:
        """Return all records of blocks with starts in [least_ms, greatest_ms], the first in order
        until a shard has `enough`; and the bound up to which the answer is complete.
        """
        is_listed = enough >= LISTED_FROM
        arguments = (least_ms, greatest_ms, int(newest), enough, "", "", int(is_listed))
        answers = cast(
            "list[tuple[bytes, bytes, list[bytes]]]", self._run(index_scripts.SCAN, *arguments)
        )
        firsts = [pointers for _, pointers, _ in answers]
        blocks = self._blocks(firsts) if is_listed else [found for _, _, found in answers]
        return Records.of_blocks(firsts, blocks), nearest_bound(
            [bound for bound, _, _ in answers], newest, 1
        )

    def _run(self, text: str, *arguments: bytes | int | str) -> list[object]:
        """Run the same script on each shard and return the answers."""
        return self._redis.run_all([_script(text, shard, *arguments) for shard in range(SHARDS)])

    def _blocks(self, firsts: Sequence[bytes]) -> list[list[bytes]]:
        """Return by shard the blocks that begin at these pointers; a block that was removed since
        is empty.
        """
        keys = [
            [f"{{e{shard}}}:b{p >> 20}:{(p & _ORDINAL) // BLOCK}" for p in numbers_of(found)]
            for shard, found in enumerate(firsts)
        ]
        return [[block or b"" for block in found] for found in self._redis.values(keys)]

    def scan_places(
        self,
        least_ms: int,
        greatest_ms: int,
        newest: bool,
        enough: int,
        names: Sequence[Sequence[bytes]],
    ) -> tuple[Records, int | None] | None:
        """Return what `scan` does, but only records at places of these names, given by shard.

        Returns None if a shard has places that this process does not know.
        """
        scripts = [
            _script(
                index_scripts.SCAN,
                shard,
                least_ms,
                greatest_ms,
                int(newest),
                enough,
                self.places.sum_of(shard),
                b"".join(shard_names),
                0,
            )
            for shard, shard_names in enumerate(names)
        ]
        answers = cast("list[tuple[bytes, bytes, bytes]]", self._redis.run_all(scripts))
        if any(answer[0] == b"places" for answer in answers):
            return None
        records = np.frombuffer(b"".join([rows for _, _, rows in answers]), RECORD_DTYPE)
        shards = np.repeat(
            np.arange(SHARDS), [len(pointers) // POINTER_BYTES for _, pointers, _ in answers]
        )
        pointers = np.array(
            numbers_of(b"".join([pointers for _, pointers, _ in answers])), np.int64
        )
        return Records(records, pointers, shards), nearest_bound(
            [bound for bound, _, _ in answers], newest, 1
        )

    def by_plates(
        self, codes: Codes, span: tuple[int, int], newest: bool, want: int, most: int
    ) -> BoundedRows | TooManyPlates:
        """Return the rows posted under one of the codes, in the hours of `span`.

        Returns `TooManyPlates` if more than `most` plates of a shard match, or so many that reading
        the records by time is cheaper.
        """
        first, last = span[0] // MS_PER_HOUR, span[1] // MS_PER_HOUR
        masks = b"".join(packed_mask(mask) for mask in codes.masks)
        if masks:
            count, plates = self._count_matching_plates(masks)
            if count > most or (
                count > FEW_PLATES and count * count > plates * codes.page * GATHERED_AS_SCANNED > 0
            ):
                return TooManyPlates(count / plates)
        arguments = (
            first,
            last,
            int(newest),
            want,
            2 * most,
            b"".join(codes.codes),
            masks,
            int(codes.is_read),
        )
        answers = self._run(index_scripts.FIND_BY_PLATE, *arguments)
        rows: list[IndexRow] = []
        bounds: list[bytes] = []
        for shard, answer in enumerate(cast("list[list[bytes]]", answers)):
            if answer[0] == b"many":
                return TooManyPlates(float(answer[1]))
            bounds.append(answer[0])
            rows += rows_of(shard, answer[1])
        bound = nearest_bound(bounds, newest, MS_PER_HOUR)
        return BoundedRows(rows, bound if bound is None or not newest else bound + MS_PER_HOUR - 1)

    def _count_matching_plates(self, masks: bytes) -> tuple[int, int]:
        """Return how many plates of a shard meet these conditions, and how many it has. One shard
        is asked, because plates are distributed by hash.
        """
        (answer,) = self._redis.run_all(
            [_script(index_scripts.COUNT_PLATES, zlib.crc32(masks) % SHARDS, masks)]
        )
        return cast("tuple[int, int]", answer)

    def read_details(self, rows: Sequence[IndexRow]) -> list[tuple[bytes, bytes]]:
        """Return alternatives and JSON of each row; both are empty if it has none."""
        groups: dict[int, list[int]] = {}
        for i, row in enumerate(rows):
            groups.setdefault(row.shard, []).append(i)
        answers = self._redis.run_all(
            [
                _script(index_scripts.READ_DETAILS, shard, b"".join(rows[i].pointer for i in mine))
                for shard, mine in groups.items()
            ]
        )
        found: list[tuple[bytes, bytes]] = [(b"", b"")] * len(rows)
        for mine, answer in zip(groups.values(), cast("list[list[bytes]]", answers), strict=True):
            for i, others, body in zip(mine, answer[::2], answer[1::2], strict=True):
                found[i] = others, body
        return found

    def count(self) -> int:
        return sum(
            int(cast("bytes | None", answer) or 0) for answer in self._run(index_scripts.COUNT)
        )

    def hours(self) -> set[int]:
        """Return the hours (since 1970, UTC) in which events of any shard began."""
        answers = cast("list[list[bytes]]", self._run(index_scripts.HOURS))
        return {int(hour) for answer in answers for hour in answer}

    def hour_counts(self, first_hour: int, last_hour: int) -> dict[int, HourCount]:
        """Return the count of each hour between these, both included, in which events began."""
        answers = self._run(index_scripts.HOUR_COUNTS, first_hour, last_hour)
        counts = (
            np.frombuffer(b"".join(cast("list[bytes]", answers)), "<u4")
            .reshape(-1, 3)
            .astype(np.int64)
        )
        hours, which = np.unique(counts[:, 0], return_inverse=True)
        events, faces = (
            np.bincount(which, counts[:, column], len(hours)).astype(int).tolist()
            for column in (1, 2)
        )
        return {
            hour: HourCount(*of) for hour, *of in zip(hours.tolist(), events, faces, strict=True)
        }

    def sample(self, hours: Sequence[int], stride: int, least_ms: int, greatest_ms: int) -> Records:
        """Return every `stride`-th block of these hours that may have a start in [least_ms,
        greatest_ms].

        The blocks are spread over hours and shards; a stride of 1 returns all.
        """
        packed = b"".join(hour.to_bytes(4, "little") for hour in hours)
        scripts = [
            _script(
                index_scripts.SAMPLE_BLOCKS, shard, packed, stride, shard, least_ms, greatest_ms
            )
            for shard in range(SHARDS)
        ]
        answers = cast("list[tuple[bytes, list[bytes]]]", self._redis.run_all(scripts))
        return Records.of_blocks(
            [pointers for pointers, _ in answers], [blocks for _, blocks in answers]
        )

    def expire(self, first_hour: int, before_hour: int) -> tuple[int, bool]:
        """Remove some of the oldest events of the hours from the first one to before the other.
        Returns their number, and whether there may be more.
        """
        answers = self._run(index_scripts.EXPIRE, first_hour, before_hour, EXPIRED_A_CALL)
        found = cast("list[tuple[int, int]]", answers)
        return sum(gone for gone, _ in found), any(more for _, more in found)

    def _with_known_places(
        self, entries: Sequence[tuple[int, IndexEntry]]
    ) -> list[tuple[int, IndexEntry]]:
        """Add the places of these entries and return the entries.

        An entry loses its place if another place already has the name.
        """
        places = list(dict.fromkeys((shard, entry.place) for shard, entry in entries))
        known = self._redis.run_all(
            [
                _script(index_scripts.ADD_PLACE, shard, place.name, place.check + place.json)
                for shard, place in places
            ]
        )
        is_own = {
            (shard, place): body == place.check + place.json
            for (shard, place), body in zip(places, known, strict=True)
        }
        return [
            (shard, entry if is_own[shard, entry.place] else entry.without_place())
            for shard, entry in entries
        ]


def _script(text: str, shard: int, *arguments: bytes | int | str) -> Script:
    return Script(text, f"{{e{shard}}}", arguments)


def _eviction(shard: int, entries: Sequence[IndexEntry]) -> Script:
    return _script(index_scripts.EVICT, shard, b"".join(map(packed_claim, entries)))
