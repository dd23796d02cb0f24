"""A day of the archive: its files by area, what each may hold, and the object that says so. Pure.

The object has the length of the JSON (4 bytes, little-endian), the JSON, and the interleaved Bloom
filters of the files (`bloom.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import Field, ValidationError

from domain.events.query import EventQuery
from domain.paths.object_keys import catalogue_object
from domain.stored_model import StoredModel, unreadable
from storage.archive.bloom import BLOCK_BYTES, SLICES, interleaved
from storage.clients.sparse_files import DIGEST_BYTES, Part, digest_of

_LENGTH_BYTES = 4
COLUMNS_VERSION = 2
"""The newest version of a file's columns that this program knows (`rows.py`)."""
_SCHEMA = 2
"""Schema 1, whose filters are of another kind and whose files have no parts, is not read."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """A range of a file that is fetched separately: each of its row groups, and then the rest of
    the file.
    """

    offset: int
    digest: str
    """The BLAKE2b digest, 8 bytes."""
    low: str
    high: str
    """`low` and `high` are the least and the greatest plate."""
    is_always_read: bool
    """Whether any plate needs it: its rows are also found by other texts, or it is the end of the
    file.
    """

    def may_hold(self, plate: str) -> bool:
        return self.is_always_read or self.low <= plate <= self.high


class ArchiveFile(StoredModel):
    """One file of the archive: the events of an area that began on a day (UTC)."""

    day: str
    area: str
    generation: int
    key: str
    sha256: str
    size_bytes: int
    rows: int
    from_ms: int
    to_ms: int
    """`from_ms` and `to_ms` are the least and the greatest start in it."""
    plate_min: str
    plate_max: str
    bounds: tuple[float, float, float, float]
    """West, south, east and north of its cameras."""
    cameras: dict[str, int]
    """Its cameras, with the least start (UTC ms) of each."""
    bloom_blocks: int
    """The size of its filter; 0 means that it has none and may hold every plate."""
    version: int = Field(default=1, ge=1, le=COLUMNS_VERSION)
    """The version of its columns (`rows.py`)."""
    parts: str = ""
    """Its parts as JSON text, because there are thousands of files; empty if it is always fetched
    as a whole.
    """

    def needed(self, plate: str) -> list[Part] | None:
        """Return each part that may have a plate; None if the whole file is fetched."""
        if not self.parts:
            return None
        parts = [FilePart(*values) for values in json.loads(self.parts)]
        ends = [*(part.offset for part in parts[1:]), self.size_bytes]
        return [
            (part.offset, end, part.digest)
            for part, end in zip(parts, ends, strict=True)
            if part.may_hold(plate)
        ]


class ColdLeg(NamedTuple):
    """An impossible leg that begins with an event of the day: the ids of both ends, and the
    plate.
    """

    earlier: str
    later: str
    plate: str


class _Header(StoredModel):
    schema_version: int = Field(default=_SCHEMA, ge=1, le=_SCHEMA)
    files: tuple[ArchiveFile, ...]
    slices: str = ""
    """The digests of the filters' slices, joined."""
    legs: tuple[ColdLeg, ...] | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """A day's files, by area, and the offset of their filters in its object."""

    day: str
    version: int = 0
    files: tuple[ArchiveFile, ...] = ()
    filters_at: int = 0
    digests: str = ""
    legs: tuple[ColdLeg, ...] | None = None
    """The impossible legs; None if they were not searched before the day was removed from the
    index.
    """
    unknown: Mapping[str, Any] = field(default_factory=dict)
    """Fields that a newer writer added; they are written back unchanged."""

    @classmethod
    def parse(cls, day: str, version: int, data: bytes) -> Day:
        """Parse the object, or its first `header_bytes`. Raises DataLoss."""
        end = header_bytes(data)
        try:
            header = _Header.model_validate_json(data[_LENGTH_BYTES:end])
        except ValidationError as error:
            raise unreadable(catalogue_object(day, version), error) from error
        if header.schema_version == _SCHEMA:
            return cls(
                day,
                version,
                header.files,
                end,
                header.slices,
                header.legs,
                header.model_extra or {},
            )
        return cls(
            day,
            version,
            tuple(file.model_copy(update={"bloom_blocks": 0}) for file in header.files),
        )

    @property
    def blocks(self) -> list[int]:
        return [file.bloom_blocks for file in self.files]

    @property
    def slice_bytes(self) -> int:
        return sum(self.blocks) // SLICES * BLOCK_BYTES

    def slices(self, numbers: Iterable[int]) -> list[Part]:
        """Return some slices of the filters as parts, in order."""
        size, digits = self.slice_bytes, DIGEST_BYTES * 2
        return [
            (n * size, (n + 1) * size, self.digests[n * digits : (n + 1) * digits])
            for n in sorted(set(numbers))
            if size
        ]

    @property
    def is_old(self) -> bool:
        """Whether an older program wrote its catalogue."""
        return any(not file.bloom_blocks for file in self.files)

    def file(self, area: str) -> ArchiveFile | None:
        return next((file for file in self.files if file.area == area), None)

    def packed(
        self,
        version: int,
        files: Sequence[tuple[ArchiveFile, bytes]],
        legs: Iterable[ColdLeg] | None = None,
    ) -> tuple[Day, bytes]:
        """Return a version of the day with these files and their filters, and its object. `legs`
        are added to the known legs.
        """
        known = (
            None
            if legs is None and self.legs is None
            else tuple(sorted({*(self.legs or ()), *(legs or ())}))
        )
        ordered = sorted(files, key=lambda pair: pair[0].area)
        filters = interleaved([bloom for _, bloom in ordered])
        size = len(filters) // SLICES
        slices = "".join(
            digest_of(filters[number * size : (number + 1) * size]) for number in range(SLICES)
        )
        header = _Header(
            files=tuple(file for file, _ in ordered), slices=slices, legs=known, **self.unknown
        )
        body = header.model_dump_json().encode()
        data = len(body).to_bytes(_LENGTH_BYTES, "little") + body + filters
        return Day(
            self.day, version, header.files, _LENGTH_BYTES + len(body), slices, known, self.unknown
        ), data

    def may_answer(self, query: EventQuery, least_ms: int, greatest_ms: int) -> list[bool]:
        """Return for each file whether, plates aside, it may hold a matching event."""
        return [
            file.from_ms <= greatest_ms and file.to_ms >= least_ms and _may_contain(file, query)
            for file in self.files
        ]


def header_bytes(data: bytes) -> int:
    """Return how many bytes of a day's object describe its files, from its first bytes."""
    return _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "little")


def _may_contain(file: ArchiveFile, query: EventQuery) -> bool:
    return (
        (query.visible.ids is None or not query.visible.ids.isdisjoint(file.cameras))
        and (
            query.area is None or file.area == query.area or file.area.startswith(query.area + "/")
        )
        and (query.camera is None or query.camera in file.cameras)
        and (query.near is None or query.near.may_intersect(file.bounds))
        and (query.within is None or query.within.may_intersect(file.bounds))
    )
