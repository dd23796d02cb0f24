"""Signed records: only a program with the key writes a valid one, and versions do not collide."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.clock import ManualClock
from domain.errors import DataLoss, NotFound, RecordChanged, RecordConflict
from domain.stored_model import schema_field
from storage.clients.s3 import ObjectStore
from storage.site.signed_records import FRESH_S, SignedRecord, SignedRecords

ROOT, KEY = "state/notes/", b"a key of 32 bytes for these tests"


class Note(SignedRecord):
    """A record of the tests."""

    text: str
    count: int = 0
    schema_: int = schema_field()


@pytest.fixture
def notes(objects: ObjectStore, clock: ManualClock) -> SignedRecords[Note]:
    return SignedRecords(objects, Note, ROOT, KEY, clock)


def _key(version: int, id_: str = "a") -> str:
    return f"{ROOT}{id_}/{version:010d}.json"


def test_a_record_is_read_as_it_was_written(notes: SignedRecords[Note]) -> None:
    written = notes.add(Note(id="a", text="案"))
    assert written.version == 1
    assert notes.get("a") == written
    assert notes.get("b") is None
    changed = notes.change("a", 1, lambda note: note.model_copy(update={"text": "b"}), "none")
    assert (changed.version, changed.text) == (2, "b")
    assert notes.all().records == (changed,)
    with pytest.raises(RecordConflict):
        notes.add(Note(id="a", text="again"))
    with pytest.raises(RecordChanged):
        notes.change("a", 1, lambda note: note.model_copy(update={"text": "c"}), "none")
    with pytest.raises(NotFound, match="no note"):
        notes.change("b", None, lambda note: note, "no note")


def test_a_change_that_changes_nothing_writes_nothing(notes: SignedRecords[Note]) -> None:
    notes.add(Note(id="a", text="a"))
    assert notes.change("a", None, lambda note: note, "none").version == 1


@pytest.mark.parametrize(
    "change", [{"text": "forged"}, {"mac": ""}, {"mac": "00" * 32}, {"id": "b"}, {"added": 1}]
)
def test_a_changed_record_is_not_valid(
    notes: SignedRecords[Note],
    objects: ObjectStore,
    clock: ManualClock,
    change: dict[str, object],
) -> None:
    notes.add(Note(id="a", text="a"))
    forged = json.loads(objects.get(_key(1))) | change
    objects.put(_key(1), json.dumps(forged).encode(), "application/json")
    other = SignedRecords(objects, Note, ROOT, KEY, clock)
    with pytest.raises(DataLoss, match="not signed by this site"):
        other.get("a")
    assert [one.record_id for one in other.all().damaged] == ["a"]


def test_a_copy_under_another_key_is_not_valid(
    notes: SignedRecords[Note], objects: ObjectStore, clock: ManualClock
) -> None:
    notes.add(Note(id="a", text="a"))
    notes.change("a", None, lambda note: note.model_copy(update={"text": "b"}), "none")
    for key in (_key(3), _key(1, "c")):
        objects.put(key, objects.get(_key(1)), "application/json")
    other = SignedRecords(objects, Note, ROOT, KEY, clock)
    for id_ in ("a", "c"):
        with pytest.raises(DataLoss, match="another record or version"):
            other.get(id_)


def test_another_key_or_another_kind_reads_nothing(
    notes: SignedRecords[Note], objects: ObjectStore, clock: ManualClock
) -> None:
    notes.add(Note(id="a", text="a"))
    objects.put("state/other/a/0000000001.json", objects.get(_key(1)), "application/json")
    for root, key in ((ROOT, b"another key"), ("state/other/", KEY)):
        with pytest.raises(DataLoss, match="not signed by this site"):
            SignedRecords(objects, Note, root, key, clock).get("a")


def test_changes_of_two_processes_are_all_kept(
    notes: SignedRecords[Note], objects: ObjectStore, clock: ManualClock
) -> None:
    notes.add(Note(id="a", text="a"))
    other = SignedRecords(objects, Note, ROOT, KEY, clock)

    def count(process: SignedRecords[Note]) -> None:
        process.change(
            "a", None, lambda note: note.model_copy(update={"count": note.count + 1}), "none"
        )

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(count, (notes, other)))
    found = notes.get("a")
    assert found is not None
    assert (found.count, found.version) == (2, 3)


def test_recent_follows_another_process_within_seconds(
    notes: SignedRecords[Note], objects: ObjectStore, clock: ManualClock
) -> None:
    assert notes.recent("a") is None
    other = SignedRecords(objects, Note, ROOT, KEY, clock)
    other.add(Note(id="a", text="a"))
    assert notes.recent("a") is None
    clock.advance(FRESH_S)
    found = notes.recent("a")
    assert found is not None
    assert found.text == "a"
