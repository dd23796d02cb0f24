"""With Redis emptied, everything comes back: from journals in the store, journals here, the
spool, or sidecars alone.
"""

from __future__ import annotations

import gzip
import threading
from pathlib import Path

import pytest

from domain.clock import NS_PER_S, S_PER_DAY
from domain.events.event import Event
from domain.events.query import EventQuery
from domain.paths.object_keys import (
    ARCHIVE_MOVED,
    ARCHIVE_PREFIX,
    ARCHIVED_PREFIX,
    CATALOGUE_PREFIX,
    SIDECAR,
    event_object,
    journal_object,
    person_object,
)
from domain.people import Person, Role
from domain.settings import Settings
from storage.archive.archive import Archive
from storage.archive.archiver import Archiver
from storage.archive.day import Day
from storage.archive.progress import moved_until_ms
from storage.check import check
from storage.events.journal import JournalDelete, JournalPut, JournalUploader, stored_keys
from storage.events.journal_retention import JournalRetention
from storage.findings import Breach
from storage.index.event_index import EventIndex
from storage.rebuild import rebuild
from tests.kept import START_NS, Site, make_event
from tests.people import people_of


@pytest.fixture
def kept(site: Site) -> list[Event]:
    """An event whose journal is in the store, one whose journal is still here, one that waits
    in the spool for its clip.
    """
    stored, here, waiting = make_event(after_s=5), make_event(after_s=8), make_event(after_s=11)
    site.put(stored)
    site.publisher.run_once()
    site.clock.advance(100)
    JournalUploader(site.journal, site.objects, "node-1", site.clock).run_once()
    site.put(here)
    site.publisher.run_once()
    site.recorded_until = START_NS
    site.put(waiting)
    site.publisher.run_once()
    rows = [row for event in (stored, here, waiting) if (row := site.row(event))]
    assert [row.clip_ready for row in rows] == [True, True, False]
    return rows


def rows(site: Site) -> list[Event | None]:
    index = EventIndex(site.redis)
    return [index.get(event_id) for event_id in index.ids(None, 100)]


def test_everything_comes_back(site: Site, kept: list[Event]) -> None:
    token = people_of(site.redis, site.objects).add("li.wei", Role.AUDITOR).token
    site.redis.do("FLUSHALL")
    calls: list[tuple[int, int]] = []
    for _ in range(2):
        rebuilt = rebuild(
            site.objects, site.redis, site.layout, lambda done, total: calls.append((done, total))
        )
        assert (rebuilt.people, rebuilt.events, rebuilt.damaged) == (1, 3, ())
        assert rows(site) == kept
    assert calls == [(1, 2), (2, 2)] * 2
    assert people_of(site.redis, site.objects).by_token(token) == Person("li.wei", Role.AUDITOR)
    assert check(site.objects, site.redis, site.layout) == []


def test_elsewhere_what_is_in_the_store_comes_back(site: Site, kept: list[Event]) -> None:
    site.redis.do("FLUSHALL")
    rebuild(site.objects, site.redis)
    assert rows(site) == kept[:1]


def test_sidecars_alone_are_enough(site: Site, kept: list[Event]) -> None:
    site.redis.do("FLUSHALL")
    for key in stored_keys(site.objects):
        site.objects.delete(key)
    rebuild(site.objects, site.redis, from_sidecars=True)
    assert rows(site) == kept[:2]


def test_a_newer_row_is_not_set_back(site: Site, kept: list[Event]) -> None:
    longer = make_event(after_s=5, lasts_s=9)
    EventIndex(site.redis).put(longer)
    rebuild(site.objects, site.redis, site.layout)
    assert site.row(longer) == longer


def test_a_deleted_event_stays_deleted(site: Site, kept: list[Event]) -> None:
    gone = kept[1]
    site.journal.append(JournalDelete(event_id=gone.id, camera=gone.camera))
    site.redis.do("FLUSHALL")
    rebuild(site.objects, site.redis, site.layout, from_sidecars=True)
    assert rows(site) == [kept[0], kept[2]]


def test_what_is_damaged_is_named_and_the_rest_comes_back(site: Site, kept: list[Event]) -> None:
    (key,) = stored_keys(site.objects)
    site.objects.put(key, b"rubbish", "application/gzip")
    sidecar = event_object("gate", kept[1].id, SIDECAR)
    person = person_object("li.wei", 1)
    for damaged in (sidecar, person):
        site.objects.put(damaged, b"{", "application/json")
    site.redis.do("FLUSHALL")
    assert set(rebuild(site.objects, site.redis, site.layout, from_sidecars=True).damaged) == {
        key,
        sidecar,
        person,
    }
    assert rows(site) == kept


def test_lines_and_sidecars_of_no_event_stop_nothing(site: Site, kept: list[Event]) -> None:
    """As a defective node could store them."""
    other = event_object("gate", kept[1].id, SIDECAR)
    site.objects.put(other, site.objects.get(event_object("gate", kept[0].id, SIDECAR)), "")
    lines = [
        JournalPut(event=kept[0].model_copy(update={"id": "x"}), objects={}),
        JournalDelete(event_id="x", camera="gate"),
    ]
    data = "".join(f"{line.model_dump_json(by_alias=True)}\n" for line in lines)
    key = journal_object("node-2", START_NS // NS_PER_S)
    site.objects.put(key, gzip.compress(data.encode()), "application/gzip")
    site.redis.do("FLUSHALL")
    assert set(rebuild(site.objects, site.redis, site.layout, from_sidecars=True).damaged) == {
        key,
        other,
    }
    assert rows(site) == kept
    found = {(one.breach, one.subject) for one in check(site.objects, site.redis, site.layout)}
    assert found == {(Breach.JOURNAL_DAMAGED, key), (Breach.SIDECAR_DAMAGED, kept[1].id)}
    assert JournalRetention(site.objects, threading.Event()).run("20990101") == 0
    assert key in stored_keys(site.objects)


def _archive_all(site: Site, folder: Path) -> Archive:
    archive = Archive.open(site.objects, site.redis, folder, Settings(), site.clock)
    moved = Archiver(archive, EventIndex(site.redis), site.redis, site.objects, site.clock).run(2)
    assert moved is not None
    assert moved.events > 0
    return archive


def test_what_the_archive_has_stays_there(site: Site, kept: list[Event], tmp_path: Path) -> None:
    """Its journals are not read, except what arrived later: here a longer version, and one that
    is still in a spool.
    """
    site.clock.advance(10 * S_PER_DAY)
    archive = _archive_all(site, tmp_path / "archive")
    longer = kept[1].model_copy(update={"ended_at": kept[1].ended_at + 9 * NS_PER_S})
    site.journal.append(JournalPut(event=longer, objects={}))
    site.redis.do("FLUSHALL")
    for _ in range(2):
        rebuilt = rebuild(site.objects, site.redis, site.layout)
        assert (rebuilt.archived, rows(site)) == (3, [longer, kept[2]])
        assert archive.search.get(kept[0].id) == kept[0]
    archive.close()


@pytest.mark.parametrize("is_catalogue_damaged", [False, True])
def test_a_damaged_file_of_the_archive_stops_nothing(
    site: Site, kept: list[Event], tmp_path: Path, is_catalogue_damaged: bool
) -> None:
    """What arrived later of its day is in the index, and so is what would have been merged."""
    site.clock.advance(10 * S_PER_DAY)
    _archive_all(site, tmp_path / "archive").close()
    for stat in site.objects.list(ARCHIVED_PREFIX):
        site.objects.put(stat.key, b"x" * stat.size_bytes, "")
    for stat in site.objects.list(CATALOGUE_PREFIX) if is_catalogue_damaged else ():
        site.objects.put(stat.key, b"rubbish", "")
    longer = kept[1].model_copy(update={"ended_at": kept[1].ended_at + 9 * NS_PER_S})
    site.journal.append(JournalPut(event=longer, objects={}))
    site.redis.do("FLUSHALL")
    rebuilt = rebuild(site.objects, site.redis, site.layout)
    assert rows(site) == [longer, kept[2]]
    assert "archive of 20251009" in rebuilt.damaged
    rebuilt = rebuild(site.objects, site.redis, site.layout, from_sidecars=True)
    assert rows(site) == [kept[0], longer, kept[2]]


def test_a_damaged_file_that_was_deleted_is_replaced_by_the_journals(
    site: Site, kept: list[Event], tmp_path: Path
) -> None:
    site.clock.advance(10 * S_PER_DAY)
    _archive_all(site, tmp_path / "archive").close()
    JournalUploader(site.journal, site.objects, "node-1", site.clock).run_once()
    (damaged,) = [stat.key for stat in site.objects.list(ARCHIVED_PREFIX)]
    site.objects.delete(damaged)
    rebuild(site.objects, site.redis, site.layout, whole=True)
    assert rows(site) == kept
    archive = _archive_all(site, tmp_path / "again")
    assert EventIndex(site.redis).count() == 0
    query = EventQuery(order="oldest")
    assert archive.search.page(query, None, 9, None, None).events == tuple(kept)
    archive.close()


def test_catalogues_come_back_from_the_files(site: Site, kept: list[Event], tmp_path: Path) -> None:
    site.clock.advance(10 * S_PER_DAY)
    _archive_all(site, tmp_path / "archive").close()
    (catalogue,) = [stat.key for stat in site.objects.list(CATALOGUE_PREFIX)]
    whole = Day.parse("", 0, site.objects.get(catalogue))
    for damage in (b"rubbish", None):
        site.objects.delete(catalogue) if damage is None else site.objects.put(
            catalogue, damage, ""
        )
        rebuild(site.objects, site.redis)
        (catalogue,) = [stat.key for stat in site.objects.list(CATALOGUE_PREFIX)]
        made = Day.parse("", 0, site.objects.get(catalogue))
        assert (made.files, made.digests, made.legs) == (whole.files, whole.digests, None), (
            "all but the legs, which files do not tell"
        )


def test_without_its_files_the_whole_is_read_from_journals(
    site: Site, kept: list[Event], tmp_path: Path
) -> None:
    site.clock.advance(10 * S_PER_DAY)
    _archive_all(site, tmp_path / "archive").close()
    JournalUploader(site.journal, site.objects, "node-1", site.clock).run_once()
    for stat in list(site.objects.list(ARCHIVE_PREFIX)):
        if stat.key != ARCHIVE_MOVED:
            site.objects.delete(stat.key)
    site.redis.do("FLUSHALL")
    assert rebuild(site.objects, site.redis).events == 0
    assert rebuild(site.objects, site.redis, whole=True).events == 2
    assert rows(site) == kept[:2]


def test_an_index_that_was_emptied_is_not_taken_for_whole(
    site: Site, kept: list[Event], tmp_path: Path
) -> None:
    """What is moved while it is not rebuilt tells nothing of what it lacked."""
    site.clock.advance(10 * S_PER_DAY)
    _archive_all(site, tmp_path / "archive").close()
    before = moved_until_ms(site.objects)
    site.redis.do("FLUSHALL")
    site.clock.advance(10 * S_PER_DAY)
    archive = Archive.open(site.objects, site.redis, tmp_path / "archive", Settings(), site.clock)
    archiver = Archiver(archive, EventIndex(site.redis), site.redis, site.objects, site.clock)
    archiver.run(2)
    assert moved_until_ms(site.objects) == before
    rebuild(site.objects, site.redis)
    archiver.run(2)
    assert moved_until_ms(site.objects) > before
    archive.close()


def test_it_goes_on_where_it_was_stopped(site: Site) -> None:
    """Several processes read the hours; those that were done are not read again, unless
    something was added to them.
    """
    events = [make_event(after_s=3600 * n) for n in range(8)]
    for event in events:
        key = journal_object("node-1", event.started_at // NS_PER_S)
        site.objects.put(
            key,
            gzip.compress(
                JournalPut(event=event, objects={}).model_dump_json(by_alias=True).encode()
            ),
            "application/gzip",
        )

    def stop(done: int, total: int) -> None:
        assert total == 8
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(site.objects, site.redis, progress=stop)
    calls: list[int] = []
    rebuilt = rebuild(site.objects, site.redis, progress=lambda done, _: calls.append(done))
    assert (rebuilt.events, rows(site)) == (8, events)
    assert calls[0] >= 2
    assert calls[-1] == 8
    assert [site.redis.do("EXISTS", key) for key in ("{rebuild}:done", "{rebuild}:gone")] == [0, 0]
