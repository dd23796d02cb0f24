"""Versioned records on a real object store: the highest version stands, and none is ever lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from domain.clock import ManualClock
from domain.errors import DataLoss, NewerRecord, ObjectsUnavailable, RecordConflict
from domain.paths.object_keys import holds_prefix
from domain.stored_model import StoredModel, schema_field
from storage.clients.s3 import ObjectStore
from storage.clients.versioned_records import VersionedRecords
from storage.site.holds import Holds
from tests.storage.site.test_holds import hold_of

ROOT, PREFIX = "state/notes/", "state/notes/a/"


class Note(StoredModel):
    text: str
    schema_: int = schema_field()


@pytest.fixture
def notes(objects: ObjectStore) -> VersionedRecords[Note]:
    return VersionedRecords(objects, Note)


def test_the_highest_version_stands(notes: VersionedRecords[Note]) -> None:
    assert notes.newest(PREFIX) is None
    assert notes.newest_version(PREFIX) == 0
    for version in (1, 9, 10):
        notes.add(PREFIX, version, Note(text=str(version)))
    newest = notes.newest(PREFIX)
    assert newest is not None
    assert (newest.record.text, newest.version) == ("10", 10)
    assert notes.all(ROOT).records == (Note(text="10"),)


def test_a_version_is_written_once(notes: VersionedRecords[Note]) -> None:
    notes.add(PREFIX, 1, Note(text="first"))
    with pytest.raises(RecordConflict, match="0000000001"):
        notes.add(PREFIX, 1, Note(text="second"))
    assert notes.all(ROOT).records == (Note(text="first"),)


def test_of_several_writers_of_one_version_one_wins(notes: VersionedRecords[Note]) -> None:
    writers, rounds = 4, 20
    together = Barrier(writers)

    def write(version: int, text: str) -> str | None:
        together.wait()
        try:
            notes.add(PREFIX, version, Note(text=text))
        except RecordConflict:
            return None
        return text

    with ThreadPoolExecutor(writers) as pool:
        for version in range(1, rounds + 1):
            texts = [f"{version}.{writer}" for writer in range(writers)]
            written = [
                text for text in pool.map(write, [version] * writers, texts) if text is not None
            ]
            newest = notes.newest(PREFIX)
            assert newest is not None
            assert written == [newest.record.text]


def test_what_cannot_be_read_hides_no_other_record(
    notes: VersionedRecords[Note], objects: ObjectStore
) -> None:
    notes.add("state/notes/b/", 1, Note(text="b"))
    notes.add("state/notes/c/", 1, Note(text="old"))
    for key, data in {
        "state/notes/a/0000000001.json": b"{",
        "state/notes/c/0000000002.json": b'{"text": "c", "schema": 2}',
        "state/notes/c/readme.txt": b"hello",
        "state/notes/zzz": b"junk",
        "state/notes/b/0000000001.json.bak": b"{}",
        "state/notes/b/7.json": b'{"text": "no version"}',
    }.items():
        objects.put(key, data, "application/json")
    listing = notes.all(ROOT)
    assert listing.records == (Note(text="b"),)
    found = {one.key: one for one in listing.damaged}
    assert {key.removeprefix(ROOT): one.record_id for key, one in found.items()} == {
        "a/0000000001.json": "a",
        "c/0000000002.json": "c",
        "c/readme.txt": "",
        "zzz": "",
        "b/0000000001.json.bak": "",
        "b/7.json": "",
    }
    assert all(key in one.why for key, one in found.items())
    assert "newer version of Sightline" in found["state/notes/c/0000000002.json"].why
    assert "delete it" in found["state/notes/zzz"].why
    with pytest.raises(NewerRecord):
        notes.newest("state/notes/c/")
    with pytest.raises(DataLoss, match="cannot be read"):
        notes.newest(PREFIX)
    older = notes.newest_readable("state/notes/c/")
    assert older is not None
    assert older.record.text == "old"
    assert notes.newest_readable(PREFIX) is None


def test_without_its_bucket_a_store_does_not_count_as_empty(objects: ObjectStore) -> None:
    host, key, secret, _, secure, ca_file = objects._where
    elsewhere = ObjectStore(host, key, secret, "no-such-bucket", secure, ca_file)
    with pytest.raises(ObjectsUnavailable):
        VersionedRecords(elsewhere, Note).all(ROOT)
    elsewhere.close()


def test_two_who_release_a_hold_at_once_leave_one_release(
    objects: ObjectStore, clock: ManualClock
) -> None:
    hold = hold_of(clock)
    Holds(objects, clock).place(hold)
    together = Barrier(4)

    def release(person: str) -> str:
        together.wait()
        return Holds(objects, clock).release(hold.id, person).released_by

    with ThreadPoolExecutor(4) as pool:
        released_by = set(pool.map(release, ("li", "wang", "zhao", "chen")))
    (standing,) = Holds(objects, clock).known().holds
    assert released_by == {standing.released_by}
    assert len(list(objects.list(holds_prefix(hold.id)))) == 2
