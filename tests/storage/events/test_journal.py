"""The journal: no line is lost between many writers and the uploader, and a torn one harms no
other.
"""

from __future__ import annotations

import gzip
import multiprocessing
from pathlib import Path

import pytest

from domain.clock import ManualClock, SystemClock
from domain.errors import DataLoss, ObjectsUnavailable, StoreError
from domain.events.event import Correction, ObjectDigest
from domain.paths.data_layout import Layout
from domain.paths.object_keys import journal_object
from domain.ulid import END_MS, id_text
from storage.clients.s3 import ObjectStore
from storage.events.journal import (
    Journal,
    JournalCorrect,
    JournalDelete,
    JournalLine,
    JournalPart,
    JournalPut,
    JournalUploader,
    covered,
    stored_keys,
    stored_part,
)
from tests.kept import START_NS, make_event

MINUTE_KEY = journal_object("node-1", START_NS // 10**9)


def line(after_s: float = 0, lasts_s: float = 1) -> JournalPut:
    return JournalPut(
        event=make_event(after_s=after_s, lasts_s=lasts_s),
        objects={"crop.jpg": ObjectDigest(key="k", size_bytes=1, sha256="s")},
    )


@pytest.fixture
def journal(layout: Layout, clock: ManualClock) -> Journal:
    return Journal(layout.journal, clock)


def local(journal: Journal) -> list[JournalLine]:
    return [one for part in journal.parts() for one in part.lines]


def stored(objects: ObjectStore) -> list[JournalLine]:
    return [one for key in stored_keys(objects) for one in stored_part(objects, key).lines]


def test_lines_come_back_in_order_minute_by_minute(journal: Journal, clock: ManualClock) -> None:
    written: list[JournalLine] = [
        line(0),
        JournalDelete(event_id=make_event().id, camera="gate"),
        line(1),
    ]
    for one in written:
        journal.append(one)
    clock.advance(60)
    journal.append(line(2))
    assert local(journal) == [*written, line(2)]
    assert [path.name for path in journal.minutes()] == ["202510090853.jsonl", "202510090854.jsonl"]


def test_a_torn_line_harms_no_other(journal: Journal) -> None:
    journal.append(line(0))
    (path,) = journal.minutes()
    path.write_bytes(path.read_bytes() + b'{"op":"put","event":{"id"')
    journal.append(line(1))
    (part,) = journal.parts()
    assert part.lines == (line(0), line(1))
    assert part.damaged_lines == 1


def test_a_minute_goes_to_the_store_when_it_is_over(
    journal: Journal, objects: ObjectStore, clock: ManualClock
) -> None:
    uploader = JournalUploader(journal, objects, "node-1", clock)
    journal.append(line(0))
    assert uploader.run_once() == 0
    clock.advance(65)
    journal.append(line(1))
    assert uploader.run_once() == 1
    assert stored_keys(objects) == [MINUTE_KEY]
    assert stored(objects) == [line(0)]
    assert local(journal) == [line(1)]


def test_a_late_line_is_added_to_what_is_there(
    journal: Journal, objects: ObjectStore, layout: Layout, clock: ManualClock
) -> None:
    late = Journal(layout.journal, ManualClock(START_NS))
    uploader = JournalUploader(journal, objects, "node-1", clock)
    clock.advance(100)
    for n in range(3):
        late.append(line(n))
        uploader.run_once()
    assert stored(objects) == [line(0), line(1), line(2)]
    assert local(journal) == []


def test_a_crash_between_upload_and_deletion_doubles_nothing(
    journal: Journal, objects: ObjectStore, clock: ManualClock
) -> None:
    journal.append(line(0))
    (path,) = journal.minutes()
    left = path.read_bytes()
    clock.advance(100)
    uploader = JournalUploader(journal, objects, "node-1", clock)
    uploader.run_once()
    path.write_bytes(left)
    uploader.run_once()
    assert stored(objects) == [line(0)]
    assert journal.minutes() == []


def test_a_dead_store_loses_nothing(journal: Journal, clock: ManualClock) -> None:
    store = ObjectStore("127.0.0.1:1", "key", "secret", "bucket")
    journal.append(line(0))
    clock.advance(100)
    with pytest.raises(ObjectsUnavailable):
        JournalUploader(journal, store, "node-1", clock).run_once()
    assert local(journal) == [line(0)]
    store.close()


def test_a_damaged_object_holds_up_no_other_minute(
    journal: Journal, objects: ObjectStore, clock: ManualClock
) -> None:
    objects.put(MINUTE_KEY, b"rubbish", "application/gzip")
    journal.append(line(0))
    clock.advance(60)
    journal.append(line(1))
    clock.advance(100)
    (journal.folder / "notes.jsonl").write_text("not a minute")
    with pytest.raises(DataLoss, match="0853"):
        JournalUploader(journal, objects, "node-1", clock).run_once()
    assert local(journal) == [line(0)], "what cannot be added stays here"
    assert stored_part(objects, stored_keys(objects)[1]).lines == (line(1),)


def test_a_file_that_cannot_be_read_holds_up_no_other_minute(
    journal: Journal, objects: ObjectStore, clock: ManualClock
) -> None:
    journal.append(line(0))
    clock.advance(60)
    journal.append(line(1))
    clock.advance(100)
    bad = journal.minutes()[0]
    bad.unlink()
    bad.mkdir()  # reading it is an error of the system, as with a bad sector
    damaged = JournalPart(bad.name, (), 1)
    assert [*journal.parts()] == [damaged, JournalPart("202510090854.jsonl", (line(1),), 0)]
    with pytest.raises(StoreError, match=f"{bad.name} cannot be read"):
        JournalUploader(journal, objects, "node-1", clock).run_once()
    assert stored(objects) == [line(1)]
    assert [*journal.parts()] == [damaged]


def test_a_damaged_object_is_reported(objects: ObjectStore) -> None:
    objects.put(MINUTE_KEY, gzip.compress(b"x" * 1000)[:-5], "application/gzip")
    with pytest.raises(DataLoss, match="0853"):
        stored_part(objects, MINUTE_KEY)


@pytest.mark.parametrize("event_id", ["x", make_event().id.lower(), id_text(END_MS, bytes(10))])
def test_a_line_of_no_event_is_damaged(journal: Journal, event_id: str) -> None:
    correction = Correction(text="鄂C00001", original="", by="li.wei", at=START_NS, version=1)
    of_none: list[JournalLine] = [
        JournalPut(event=make_event().model_copy(update={"id": event_id}), objects={}),
        JournalDelete(event_id=event_id, camera="gate"),
        JournalCorrect(event_id=event_id, camera="gate", correction=correction),
    ]
    for one in (*of_none, line(0)):
        journal.append(one)
    (part,) = journal.parts()
    assert (part.lines, part.damaged_lines) == ((line(0),), 3)


def test_a_line_of_a_later_version_is_counted_not_guessed(journal: Journal) -> None:
    journal.append(line(0))
    (path,) = journal.minutes()
    path.write_bytes(path.read_bytes().replace(b'"schema":1,"op"', b'"schema":2,"op"'))
    (part,) = journal.parts()
    assert (part.lines, part.damaged_lines) == ((), 1)


def test_a_deletion_ends_the_cover(journal: Journal) -> None:
    kept, gone = line(0), line(1)
    for one in (
        kept,
        gone,
        line(0, lasts_s=5),
        JournalDelete(event_id=gone.event.id, camera="gate"),
    ):
        journal.append(one)
    assert covered(journal.parts()) == {kept.event.id: make_event(lasts_s=5).ended_at}


def _append(folder: Path, first: int) -> None:
    journal = Journal(folder, SystemClock())
    for n in range(15):
        journal.append(line(first + n))


def test_writers_and_the_uploader_at_once_lose_nothing(
    layout: Layout, objects: ObjectStore
) -> None:
    """Two processes append while every minute counts as finished: each line ends in the store or
    here, once.
    """
    ahead = ManualClock(SystemClock().wall_ns() + 600 * 10**9)
    journal = Journal(layout.journal, ahead)
    uploader = JournalUploader(journal, objects, "node-1", ahead)
    writers = [
        multiprocessing.get_context("spawn").Process(target=_append, args=(layout.journal, 100 * n))
        for n in range(2)
    ]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        uploader.run_once()
    uploader.run_once()
    ids = [
        one.event.id for one in (*stored(objects), *local(journal)) if isinstance(one, JournalPut)
    ]
    assert len(ids) == len(set(ids)) == 30


def test_a_journal_that_cannot_be_written_is_reported(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="journal"):
        Journal(tmp_path / "file", clock).append(line())
