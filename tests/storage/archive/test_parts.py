"""Of a large file of the archive a search for a plate fetches what may have it, and is right
whatever lies here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.camera_scope import ALL_CAMERAS
from domain.errors import DataLoss
from domain.events.query import EventQuery
from domain.paths.object_keys import ARCHIVED_PREFIX, CATALOGUE_PREFIX
from domain.settings import Settings
from storage.archive import parquet_files as archive_files
from storage.archive.archive import Archive
from storage.archive.archiver import Archiver
from storage.archive.bloom import SLICES, slice_of
from storage.archive.check import ArchiveCheck
from storage.archive.day import ArchiveFile
from storage.clients.redis import Redis
from storage.clients.s3 import ObjectStore, ObjectStream
from storage.events.store import EventStore
from tests.kept import make_event
from tests.storage.events.drawn_city import INDEX_DAYS, City

PLATES = [f"鄂C{number:05d}" for number in range(0, 9_000, 2)]


class Counting(ObjectStore):
    """Counts the bytes that are read of the archive's files, and of its catalogue."""

    def __init__(self, store: ObjectStore) -> None:
        self.__dict__.update(store.__dict__)
        self.files = self.catalogue = 0

    def read(self, key: str, offset: int = 0, length: int | None = None) -> ObjectStream:
        stream = super().read(key, offset, length)
        size = len(b"".join(super().read(key, offset))) if length is None else length
        if key.startswith(ARCHIVED_PREFIX):
            self.files += size
        if key.startswith(CATALOGUE_PREFIX):
            self.catalogue += size
        return stream

    def __del__(self) -> None:
        """The connections are the store's own."""


@pytest.fixture
def city(
    redis: Redis, objects: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[City]:
    monkeypatch.setattr(archive_files, "GROUP_ROWS", 2048)
    city = City(redis, objects, tmp_path / "archive")
    events = [make_event(after_s=n, plate=plate) for n, plate in enumerate(PLATES)]
    doubted = [
        make_event(after_s=7000 + n, plate=f"鄂C{n:05d}", alternatives=(("京B00001", 0.2),))
        for n in (1, 8_999)
    ]
    unread = make_event(after_s=7100, plate="", alternatives=(("鄂C00500", 0.3),))
    city.index.put_all([*events, *doubted, unread])
    city.move()
    yield city
    city.archive.close()


@pytest.fixture
def fresh(city: City, tmp_path: Path) -> Iterator[tuple[EventStore, Counting, Path]]:
    """Another process, that has nothing here."""
    objects, folder = Counting(city.objects), tmp_path / "fresh"
    archive = Archive.open(objects, city.redis, folder, Settings(), city.clock)
    yield EventStore(city.index, archive, city.clock, INDEX_DAYS), objects, folder
    archive.close()


def starts(store: EventStore, plate: str) -> list[str]:
    return [
        event.plate.text
        for event in store.query(EventQuery(plate=plate), ALL_CAMERAS, 9).events
        if event.plate
    ]


def test_a_plate_is_found_in_parts_of_a_file(
    city: City, fresh: tuple[EventStore, Counting, Path]
) -> None:
    store, objects, _ = fresh
    (file,) = city.archive.files()
    assert starts(store, "鄂C00500") == ["", "鄂C00500"]
    assert 0 < objects.files < file.size_bytes * 0.8
    before = objects.files
    assert starts(store, "鄂C00500") == ["", "鄂C00500"]
    assert starts(store, "鄂C00502") == ["鄂C00502"]
    assert objects.files == before, "it lies in the same part"
    assert [
        starts(store, plate)
        for plate in ("鄂C08998", "鄂C08999", "鄂C00001", "鄂C00003", "京B00001")
    ] == [
        ["鄂C08998"],
        ["鄂C08999"],
        ["鄂C00001"],
        [],
        [],
    ]


def test_every_plate_is_found(fresh: tuple[EventStore, Counting, Path]) -> None:
    store, _, _ = fresh
    for plate in PLATES[::397]:
        assert starts(store, plate)[-1:] == [plate]


def test_of_the_filters_a_slice_is_fetched(
    fresh: tuple[EventStore, Counting, Path], city: City
) -> None:
    store, objects, folder = fresh
    (day,) = city.archive.catalogue.days().values()
    store.query(EventQuery(), ALL_CAMERAS, 1)
    header = objects.catalogue
    assert starts(store, "鄂C00500")
    assert objects.catalogue - header == day.slice_bytes
    assert next((folder / "filters").iterdir()).stat().st_size == day.slice_bytes * SLICES
    again = Archive.open(objects, city.redis, folder, Settings(), city.clock)
    header, files = objects.catalogue, objects.files
    assert starts(EventStore(city.index, again, city.clock, INDEX_DAYS), "鄂C00500")
    assert (objects.catalogue - header > day.slice_bytes, objects.files) == (True, files), (
        "a process that starts again proves what is here"
    )
    again.close()


def test_a_damaged_part_is_never_answered_from(
    fresh: tuple[EventStore, Counting, Path], city: City
) -> None:
    store, _, _ = fresh
    (file,) = city.archive.files()
    data = bytearray(city.objects.get(file.key))
    data[10:200] = bytes(190)
    city.objects.put(file.key, bytes(data), "")
    assert starts(store, "鄂C08998") == ["鄂C08998"]
    with pytest.raises(DataLoss, match="SHA-256"):
        starts(store, "鄂C00002")


def test_damaged_filters_are_named_and_made_again(
    fresh: tuple[EventStore, Counting, Path], city: City
) -> None:
    (stat,) = city.objects.list(CATALOGUE_PREFIX)
    data = city.objects.get(stat.key)
    city.objects.put(stat.key, data[:-10] + bytes(10), "")
    store, _, _ = fresh
    plate = next(plate for plate in PLATES if slice_of(plate) == SLICES - 1)
    with pytest.raises(DataLoss, match="rebuild"):
        starts(store, plate)
    assert [fault.what for fault in ArchiveCheck(store.archive, city.objects).faults()] == [
        "damaged"
    ]
    assert Archiver(store.archive, city.index, city.redis, city.objects, city.clock).restore() == 1
    assert starts(store, "鄂C00500") == ["", "鄂C00500"]
    assert [fault.what for fault in ArchiveCheck(store.archive, city.objects).faults()] == []


def test_a_hole_that_is_read_is_fetched(
    fresh: tuple[EventStore, Counting, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were a row group ever read that was not thought to be needed."""
    store, _, _ = fresh
    (file,) = store.archive.files()
    whole = ArchiveFile.needed
    monkeypatch.setattr(ArchiveFile, "needed", lambda self, _: (whole(self, "") or [])[-1:])
    assert starts(store, "鄂C00500") == ["", "鄂C00500"]
    assert store.archive.cache.has(file)
