"""With Redis emptied, everything comes back: from journals in the store, journals here, the spool, or sidecars alone."""

from __future__ import annotations

import pytest

from domain.events import Event
from domain.keys import SIDECAR, event_object, person_object
from domain.people import Person, Role
from storage.check import check
from storage.index import EventIndex
from storage.journal import JournalDelete, JournalUploader, stored_keys
from storage.people import People
from storage.rebuild import rebuild
from tests.kept import START_NS, Site, make_event


@pytest.fixture
def kept(site: Site) -> list[Event]:
    """An event whose journal is in the store, one whose journal is still here, one that waits in the spool for its clip."""
    stored, here, waiting = make_event(after_s=5), make_event(after_s=8), make_event(after_s=11)
    site.put(stored)
    site.keeper.run_once()
    site.clock.advance(100)
    JournalUploader(site.journal, site.objects, "node-1", site.clock).run_once()
    site.put(here)
    site.keeper.run_once()
    site.recorded_until = START_NS
    site.put(waiting)
    site.keeper.run_once()
    rows = [row for event in (stored, here, waiting) if (row := site.row(event))]
    assert [row.clip_ready for row in rows] == [True, True, False]
    return rows


def rows(site: Site) -> list[Event | None]:
    index = EventIndex(site.redis)
    return [index.get(event_id) for event_id in index.ids(None, 100)]


def test_everything_comes_back(site: Site, kept: list[Event]) -> None:
    token = People(site.redis, site.objects).add("li.wei", Role.AUDITOR)
    site.redis.do("FLUSHALL")
    heard: list[tuple[int, int]] = []
    for _ in range(2):
        rebuilt = rebuild(site.objects, site.redis, site.layout, lambda done, total: heard.append((done, total)))
        assert (rebuilt.people, rebuilt.events, rebuilt.damaged) == (1, 3, ())
        assert rows(site) == kept
    assert heard == [(1, 2), (2, 2)] * 2
    assert People(site.redis, site.objects).by_token(token) == Person("li.wei", Role.AUDITOR)
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
    assert set(rebuild(site.objects, site.redis, site.layout, from_sidecars=True).damaged) == {key, sidecar, person}
    assert rows(site) == kept
