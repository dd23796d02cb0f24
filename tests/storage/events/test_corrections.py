"""Corrections: stored next to the event, found with what was read, and undone by nothing but a
later one.
"""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.camera_scope import ALL_CAMERAS
from domain.clock import NS_PER_HOUR
from domain.errors import CorrectionConflict
from domain.events.event import Correction, Event
from domain.events.query import EventQuery
from domain.paths.object_keys import SIDECAR, correction_object, event_object
from domain.settings import Settings
from storage.archive.archive import Archive
from storage.check import check
from storage.clients.redis import Redis
from storage.events.corrections import Corrections, newest_record
from storage.events.journal import stored_keys
from storage.events.store import EventStore
from storage.findings import Breach
from storage.index.event_index import EventIndex
from storage.rebuild import rebuild
from tests.examples import examples
from tests.fuses import Fuse, FusedObjects, FusedRedis, Killed
from tests.kept import START_NS, Site, make_event

READ, MEANT, LATER = "鄂C12345", "鄂C1Z345", "鄂C17345"


def corrections(site: Site) -> Corrections:
    return Corrections(site.redis, site.objects, EventIndex(site.redis), site.clock)


def kept(site: Site, **changes: object) -> Event:
    event = make_event(after_s=5, plate=READ, **changes)  # type: ignore[arg-type]
    site.put(event)
    site.publisher.run_once()
    return event


def found(site: Site, plate: str, fuzzy: bool = False) -> list[str]:
    return [
        event.id
        for event in EventIndex(site.redis).query(EventQuery(plate=plate, fuzzy=fuzzy), 9).events
    ]


def breaches(site: Site) -> list[Breach]:
    return [finding.breach for finding in check(site.objects, site.redis, site.layout)]


def test_what_was_read_and_what_was_meant_are_both_found(site: Site, tmp_path: Path) -> None:
    event = kept(site)
    made = corrections(site).correct(event, MEANT, "li.wei", "seen in the clip", 0)
    assert (made.text, made.original, made.by, made.version) == (MEANT, READ, "li.wei", 1)
    row = site.row(event)
    assert row is not None
    assert (row.corrected, row.reading, row.plate) == (made, MEANT, event.plate)
    for plate in (READ, MEANT, "鄂C1?345", "*Z345", "*2345"):
        assert found(site, plate) == [event.id], plate
    assert found(site, "鄂C72345", fuzzy=True) == [event.id], "one misreading from what was read"
    with closing(
        Archive.open(site.objects, site.redis, tmp_path / "archive", Settings(), site.clock)
    ) as archive:
        store = EventStore(EventIndex(site.redis), archive, site.clock, Settings().index_days)
        assert [seen.id for seen in store.sightings(MEANT, ALL_CAMERAS, (None, None), 9)] == [
            event.id
        ]
        assert store.sightings(READ, ALL_CAMERAS, (None, None), 9) == ()
    assert breaches(site) == []


def test_a_correction_is_corrected_and_taken_back(site: Site) -> None:
    event = kept(site)
    client = corrections(site)
    client.correct(event, MEANT, "li.wei", "the clip", 0)
    client.correct(event, LATER, "wang.fang", "the crop", 1)
    assert (found(site, MEANT), found(site, LATER), found(site, READ)) == (
        [],
        [event.id],
        [event.id],
    )
    taken_back = client.correct(event, "", "wang.fang", "a mistake", 2)
    row = site.row(event)
    assert row is not None
    assert (row.corrected, row.reading) == (taken_back, READ)
    assert (found(site, LATER), found(site, READ)) == ([], [event.id])
    assert breaches(site) == []
    record = newest_record(site.objects, event.camera, event.id)
    assert record is not None
    assert (record.correction, record.reason) == (taken_back, "a mistake")


def test_a_person_who_saw_an_older_correction_is_refused_with_the_valid_one(site: Site) -> None:
    event = kept(site)
    client = corrections(site)
    client.correct(event, MEANT, "li.wei", "the clip", 0)
    with pytest.raises(CorrectionConflict, match=f"li.wei corrected it to '{MEANT}'"):
        client.correct(event, LATER, "wang.fang", "the crop", 0)
    assert client.correct(event, MEANT, "li.wei", "the clip", 0).version == 1, (
        "asked again after a lost answer"
    )
    assert site.row(event) is not None


def test_of_many_at_once_one_wins(site: Site) -> None:
    event = kept(site)
    plates = [f"鄂C1234{n}" for n in range(8)]
    outcomes: list[str] = []

    def ask(plate: str) -> None:
        try:
            outcomes.append(corrections(site).correct(event, plate, "li.wei", "the clip", 0).text)
        except CorrectionConflict:
            outcomes.append("")

    threads = [threading.Thread(target=ask, args=(plate,)) for plate in plates]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (won,) = [text for text in outcomes if text]
    row = site.row(event)
    assert row is not None
    assert row.reading == won
    assert breaches(site) == []


def test_no_replay_and_no_later_state_of_the_event_undoes_it(site: Site) -> None:
    """The node is alive: it enters the event once more, then with its clip, then longer, and
    replays all of it after a crash.
    """
    event = make_event(after_s=5, plate=READ)
    site.recorded_until = START_NS
    site.put(event)
    site.publisher.run_once()
    made = corrections(site).correct(event, MEANT, "li.wei", "the crop", 0)
    for step in ("again", "clip", "longer", "replay"):
        if step == "clip":
            site.recorded_until = START_NS + NS_PER_HOUR
        if step in ("longer", "replay"):
            site.put(make_event(after_s=5, plate=READ, lasts_s=3))
        site.restart().run_once()
        row = site.row(event)
        assert row is not None
        assert row.corrected == made, step
        assert found(site, MEANT) == found(site, READ) == [event.id], step
    assert site.sidecar(event).event.clip_ready
    assert breaches(site) == []


def test_the_sidecar_is_not_rewritten(site: Site) -> None:
    event = kept(site)
    key = event_object(event.camera, event.id, SIDECAR)
    before = site.objects.get(key)
    corrections(site).correct(event, MEANT, "li.wei", "the clip", 0)
    assert site.objects.get(key) == before


@pytest.mark.parametrize("from_sidecars", [False, True])
def test_a_rebuilt_index_has_it(site: Site, from_sidecars: bool) -> None:
    event = kept(site)
    corrections(site).correct(event, MEANT, "li.wei", "the clip", 0)
    corrections(site).correct(event, LATER, "li.wei", "the clip, again", 1)
    row = site.row(event)
    site.redis.do("FLUSHALL")
    if from_sidecars:
        for key in stored_keys(site.objects):
            site.objects.delete(key)
        rebuild(site.objects, site.redis, from_sidecars=True)
    else:
        rebuild(site.objects, site.redis, site.layout)
    assert site.row(event) == row
    assert found(site, LATER) == [event.id]


def test_removing_an_event_leaves_nothing_of_its_correction(site: Site) -> None:
    event = kept(site)
    corrections(site).correct(event, MEANT, "li.wei", "the clip", 0)
    EventIndex(site.redis).remove(event.id)
    assert EventIndex(site.redis).corrections([event.id]) == {}
    assert (
        site.redis.do("EXISTS", "{corrections}:by_event", f"{{corrections}}:turn:{event.id}") == 0
    )
    assert EventIndex(site.redis).count() == 0


def test_the_check_sees_what_is_amiss(site: Site) -> None:
    event = kept(site)
    made = corrections(site).correct(event, MEANT, "li.wei", "the clip", 0)
    EventIndex(site.redis).remove(event.id)
    EventIndex(site.redis).put(event)
    assert breaches(site) == [Breach.INDEX_DIFFERS]
    EventIndex(site.redis).correct(event.id, made)
    for key in stored_keys(site.objects):
        site.objects.delete(key)
    assert Breach.NOT_JOURNALED in breaches(site)
    site.objects.put(correction_object(event.camera, event.id, 2), b"{}", "application/json")
    assert Breach.CORRECTION_DAMAGED in breaches(site)


@settings(
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.integers(1, 12), st.booleans(), st.sampled_from(["redis", "objects"]))
def test_killed_anywhere_it_is_whole_once_asked_again(
    site: Site, calls: int, after: bool, where: str
) -> None:
    event = kept(site)
    newest = newest_record(site.objects, event.camera, event.id)
    version = newest.correction.version if newest else 0
    fuse = Fuse(calls, after)
    redis: Redis = FusedRedis(site.redis, fuse) if where == "redis" else site.redis
    objects = FusedObjects(site.objects, fuse) if where == "objects" else site.objects
    try:
        Corrections(redis, objects, EventIndex(redis), site.clock).correct(
            event, MEANT, "li.wei", "the clip", version
        )
    except Killed:
        site.redis.do("DEL", f"{{corrections}}:turn:{event.id}")  # which forgets itself in a minute
    made = corrections(site).correct(event, MEANT, "li.wei", "the clip", version)
    row = site.row(event)
    assert row is not None
    assert row.corrected == made
    assert made.version == version + 1
    assert breaches(site) == []


def correction(n: int) -> Correction:
    return Correction(text=f"鄂C9999{n}", original=READ, by="li.wei", at=START_NS, version=n)


def test_corrections_and_versions_of_the_event_in_any_order(redis: Redis) -> None:
    """Concurrent writers, some with corrections and some with later states: the latest of each
    stands.
    """
    states = [make_event(plate=READ, lasts_s=n) for n in range(1, 6)]
    index = EventIndex(redis)
    threads = [threading.Thread(target=index.put, args=(state,)) for state in states]
    threads += [
        threading.Thread(target=index.correct, args=(states[0].id, correction(n)))
        for n in range(1, 6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert index.get(states[0].id) == states[-1].model_copy(update={"corrected": correction(5)})
    plates = [
        f"鄂C9999{n}" for n in range(1, 6) if index.query(EventQuery(plate=f"鄂C9999{n}"), 5).events
    ]
    assert plates == ["鄂C99995"]
    assert index.count() == 1
