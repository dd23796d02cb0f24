"""Checks the archive: each file is what its catalogue says, is sorted, and has each event once; and
a catalogue names every file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, cast

from domain.errors import DataLoss, NotFound
from domain.events.event import Event
from domain.paths.object_keys import ARCHIVED_PREFIX, place_of_key
from domain.ulid import wall_ms_of
from storage.archive.archive import Archive
from storage.archive.day import ArchiveFile
from storage.archive.parquet_files import describe
from storage.archive.search import day_of_ms
from storage.clients.s3 import ObjectStore


@dataclass(frozen=True, slots=True)
class ArchiveFault:
    what: Literal["damaged", "differs", "unnamed"]
    subject: str
    message: str


class ArchiveCheck:
    def __init__(self, archive: Archive, objects: ObjectStore) -> None:
        self._archive = archive
        self._objects = objects
        self._of_camera = lru_cache(maxsize=2)(self._read_camera)

    def faults(self) -> Iterator[ArchiveFault]:
        days = self._archive.catalogue.days()
        damaged = self._archive.catalogue.damaged
        for day, why in damaged.items():
            yield ArchiveFault("damaged", day, why)
        named = {file.key for day in days.values() for file in day.files}
        for stat in self._objects.list(ARCHIVED_PREFIX):
            place = place_of_key(stat.key)
            if place is None:
                hint = "it is no file of the archive and is ignored; delete it"
                yield ArchiveFault("unnamed", stat.key, f"{hint} unless you know its purpose")
            elif stat.key not in named and place[0] not in damaged:
                yield ArchiveFault(
                    "unnamed",
                    stat.key,
                    "no catalogue names it: `sightline index rebuild` takes it up, `sightline "
                    "index archive` deletes what is out of date",
                )
        for file in self._archive.files():
            yield from self._file(file)

    def ids(self) -> Iterator[str]:
        """Yield the id of every event in a readable file."""
        for file in self._archive.files():
            try:
                yield from (event_id for event_id, *_ in self._archive.times(file))
            except (DataLoss, NotFound):
                continue  # `faults` says so

    def event(self, camera: str, event_id: str) -> Event | None:
        """Return an event of a camera. The events of a camera and day are read together, because
        callers ask for them in that order.
        """
        return self._of_camera(day_of_ms(wall_ms_of(event_id)), camera).get(event_id)

    def _read_camera(self, day: str, camera: str) -> dict[str, Event]:
        try:
            return {event.id: event for event in self._archive.search.of_camera(day, camera)}
        except (DataLoss, NotFound):
            return {}

    def _file(self, file: ArchiveFile) -> Iterator[ArchiveFault]:
        try:
            with self._archive.cache.held([file]) as (path,):
                found = describe(
                    self._archive.duck, path, file.day, file.area, file.generation, file.key
                )
                if found != (file, self._bloom(file)):
                    yield ArchiveFault(
                        "differs", file.key, "its catalogue says other things of it than it holds"
                    )
                if not self._is_sorted(file, path):
                    yield ArchiveFault(
                        "differs", file.key, "its rows are not in order, or it has an event twice"
                    )
        except (DataLoss, NotFound) as error:
            yield ArchiveFault("damaged", file.key, str(error))

    def _bloom(self, file: ArchiveFile) -> bytes:
        catalogue = self._archive.catalogue
        day = catalogue.days()[file.day]
        return catalogue.blooms(day)[day.files.index(file)]

    def _is_sorted(self, file: ArchiveFile, path: Path) -> bool:
        sql = (
            "SELECT coalesce(plate, ''), plate IS NULL, others IS NOT NULL, id FROM "
            "read_parquet(?, file_row_number = true) "
            "ORDER BY file_row_number"
        )
        rows = cast(
            "list[tuple[str, bool, bool, str]]", self._archive.duck.rows(sql, [[str(path)]])
        )
        order = [
            (file.version > 1 and others, not is_face, plate.encode(), event_id)
            for plate, is_face, others, event_id in rows
        ]
        return order == sorted(order) and len({event_id for *_, event_id in rows}) == len(rows)
