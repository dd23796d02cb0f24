"""The arguments and answers of the index's scripts as bytes. Pure."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storage.index.plate_code import CodeMask
from storage.index.record import IndexEntry
from storage.index.record_layout import RECORD_DTYPE

_ENTRY = struct.Struct("<I40s4sdBBIB")


CLAIM = struct.Struct("<II10sdB")


def packed_hours(entries: Sequence[IndexEntry]) -> bytes:
    """Return the least and the greatest start of each hour."""
    starts: dict[int, list[int]] = {}
    for entry in entries:
        starts.setdefault(entry.hour, []).append(entry.start_in_hour_ms)
    return b"".join(
        struct.pack("<III", hour, min(found), max(found)) for hour, found in starts.items()
    )


def event_tails(blocks: Sequence[bytes]) -> NDArray[np.uint64]:
    """Return a part of each event's id that distinguishes the events of blocks, except for one in
    10**19.
    """
    return np.frombuffer(b"".join(blocks), RECORD_DTYPE)["tail_high"].astype(np.uint64)


def by_shard(entries: Sequence[tuple[int, IndexEntry]]) -> dict[int, list[IndexEntry]]:
    groups: dict[int, list[IndexEntry]] = {}
    for shard, entry in entries:
        groups.setdefault(shard, []).append(entry)
    return groups


def packed_entries(entries: Sequence[IndexEntry]) -> bytes:
    return b"".join(
        _ENTRY.pack(
            e.hour,
            e.record,
            e.place.check,
            e.ended_ms,
            len(e.posts),
            len(e.alternatives) // 8,
            len(e.json),
            e.is_unpacked,
        )
        + b"".join(e.posts)
        + e.alternatives
        + e.json
        for e in entries
    )


def packed_claim(entry: IndexEntry) -> bytes:
    return CLAIM.pack(
        entry.hour,
        entry.start_in_hour_ms,
        entry.id_tail,
        entry.ended_ms,
        entry.record.clip_state,
    )


def packed_mask(mask: CodeMask) -> bytes:
    body = bytes([mask.length or 0, *(number for pair in mask.codes for number in pair)])
    return bytes([len(body)]) + body


def nearest_bound(bounds: Sequence[bytes], newest: bool, unit: int) -> int | None:
    known = [int(bound) * unit for bound in bounds if bound]
    return None if not known else max(known) if newest else min(known)


@dataclass(frozen=True, slots=True)
class Evicted:
    """Entries of which another shard has a newer version, and entries of which another shard had an
    older or equal version, which was removed.
    """

    superseded: list[tuple[int, IndexEntry]]
    removed_elsewhere: list[tuple[int, IndexEntry]]
