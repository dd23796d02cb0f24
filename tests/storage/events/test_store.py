"""What is old is found as what is new is: the index and the archive as one, on real stores,
against looking at everything.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.camera_scope import ALL_CAMERAS, CameraScope, VisibleCameras
from domain.clock import NS_PER_DAY, NS_PER_HOUR, NS_PER_MS, NS_PER_S, S_PER_DAY
from domain.errors import DataLoss
from domain.events.event import Event, Location
from domain.events.misreadings import MATCH_KINDS, match_of
from domain.events.query import EventQuery
from domain.paths.object_keys import ARCHIVED_PREFIX
from domain.settings import Settings
from storage.archive import catalogue as archive_catalogue
from storage.archive import search as archive_search
from storage.archive.archive import Archive
from storage.archive.archiver import Archiver
from storage.archive.day import ArchiveFile
from storage.events.corrections import Corrections
from storage.events.store import EventStore
from storage.index.counts import Buckets
from storage.index.plate_query import found_by
from tests.examples import examples
from tests.kept import START_NS, make_event
from tests.searched import by_looking_at_all
from tests.storage.events.drawn_city import DAYS, INDEX_DAYS, City, events, latest, queries


@settings(
    max_examples=examples(10),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(events, max_size=25),
    st.lists(events, max_size=6),
    st.lists(queries, min_size=6, max_size=6),
    st.integers(1, 9),
    st.booleans(),
)
def test_a_search_finds_what_looking_at_all_finds(
    city: City,
    early: list[Event],
    late: list[Event],
    asked: list[EventQuery],
    limit: int,
    in_haste: bool,
) -> None:
    """Some come when their day is archived already: they are found immediately, and again once they
    are merged.
    """
    city.empty()
    city.index.put_all(latest(early))
    assert city.move() == sum(
        event.started_at < START_NS + 4 * NS_PER_DAY for event in latest(early)
    )
    for event in late:
        city.index.put(event)
    stored = latest([*early, *late])
    with pytest.MonkeyPatch.context() as patch:
        if in_haste:
            patch.setattr(archive_search, "FILES_A_GROUP", 1)
            patch.setattr(archive_search, "ROWS_LEAST", 1)
        for merged in (False, True):
            if merged:
                city.move()
            for query in asked:
                assert city.ids(query, limit, 0 if in_haste else None) == by_looking_at_all(
                    stored, query
                ), (query, merged)
    assert city.store.get_all([event.id for event in stored], ALL_CAMERAS) == stored, (
        "every field of an event comes back"
    )
    assert city.index.count() == sum(
        event.started_at >= START_NS + 4 * NS_PER_DAY for event in stored
    )


@settings(
    max_examples=examples(6),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(events, max_size=25),
    st.sampled_from(["鄂C12345", "鄂F88888", "京A12345"]),
    st.integers(1, 9),
    st.booleans(),
)
def test_misreadings_are_ranked_alike(
    city: City, stored: list[Event], plate: str, limit: int, in_haste: bool
) -> None:
    city.empty()
    stored = latest(stored)
    city.index.put_all(stored)
    asked = [
        EventQuery(plate=plate, fuzzy=True, order="newest"),
        EventQuery(plate=plate, fuzzy=True, order="oldest"),
    ]
    hot = [city.ids(query, limit) for query in asked]
    city.move()
    assert [city.ids(query, limit, 0 if in_haste else None) for query in asked] == hot
    matched = {
        event.id: match.kind
        for event in stored
        if (match := match_of(event, plate, found_by(event))) is not None
    }
    ranks = [MATCH_KINDS.index(matched[event_id]) for event_id in hot[0]]
    assert ranks == sorted(ranks)
    assert sorted(hot[0]) == sorted(matched)


def test_what_is_not_visible_is_not_found_by_any_call(city: City) -> None:
    there = [
        make_event(after_s=at_s, camera=camera)
        for at_s in (0, 6 * S_PER_DAY)
        for camera in ("gate", "shop")
    ]
    far = Location(lon=114.5, lat=32.5)
    there.append(make_event(after_s=1, camera="bridge").model_copy(update={"location": far}))
    city.index.put_all(there)
    city.move()
    visible = VisibleCameras(CameraScope(cameras=("gate",)), frozenset({"gate"}))
    mine = [event if event.camera == "gate" else None for event in there]
    assert [city.store.get(event.id, visible) for event in there] == mine
    assert city.store.get_all([event.id for event in there], visible) == mine
    plate = there[0].reading
    span = (START_NS, START_NS + 9 * NS_PER_DAY)
    assert city.store.sightings(plate, visible, span, 9) == (there[0], there[2])
    assert all(
        event.camera == "gate" for event in city.store.likely("鄂C12346", visible, span, 9).events
    )
    legs = city.store.impossible(span[0] // NS_PER_HOUR, span[1] // NS_PER_HOUR)
    assert legs.found.pairs
    assert all(None in pair for pair in city.store.ends(legs, visible, legs.found.pairs))


def test_a_page_of_recent_events_does_not_ask_the_archive(city: City) -> None:
    old, new = make_event(), [make_event(after_s=5 * S_PER_DAY + n) for n in range(3)]
    city.index.put_all([old, *new])
    city.move()
    first = city.store.query(EventQuery(), ALL_CAMERAS, 2)
    second = city.store.query(EventQuery(), ALL_CAMERAS, 2, first.next)
    assert (first.archived, second.archived) == (False, True)
    assert [*first.events, *second.events] == [*reversed(new), old]
    recent = city.store.query(EventQuery(from_ns=START_NS + 4 * NS_PER_DAY), ALL_CAMERAS, 9)
    assert (len(recent.events), recent.archived) == (3, False)


def test_what_another_process_moves_is_never_missed(city: City, tmp_path: Path) -> None:
    """Which days the archive has is asked once a second; the index keeps what was moved until
    every process has asked.
    """
    events = [make_event(after_s=n) for n in range(3)]
    since = EventQuery(from_ns=START_NS)
    city.index.put_all(events)
    assert not city.store.query(since, ALL_CAMERAS, 9).archived
    other = Archive.open(city.objects, city.redis, tmp_path / "other", Settings(), city.clock)
    before_s = city.clock.monotonic_s()
    assert (
        Archiver(other, city.index, city.redis, city.objects, city.clock).run(INDEX_DAYS)
        is not None
    )
    assert city.clock.monotonic_s() - before_s >= archive_catalogue.TRUST_S
    assert city.index.count() == 0
    page = city.store.query(since, ALL_CAMERAS, 9)
    assert (page.archived, [*page.events]) == (True, [*reversed(events)])
    other.close()


def test_a_file_that_is_replaced_during_a_read_is_read_again(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, late = make_event(), [make_event(after_s=n) for n in range(1, 4)]
    city.index.put(first)
    city.move()
    archive = Archive.open(city.objects, city.redis, tmp_path / "another", Settings(), city.clock)
    store = EventStore(city.index, archive, city.clock, INDEX_DAYS)
    candidates, waiting = archive.catalogue.candidates, list(late)

    def replaced_then(*arguments: Any) -> list[ArchiveFile]:
        """Return the files as the catalogue has them now, and then merge a late event."""
        found = candidates(*arguments)
        if waiting and is_due:
            city.index.put(waiting.pop(0))
            is_due.clear()
            city.move()
            for file in archive.cache.folder.iterdir():
                file.unlink()
        return found

    is_due = [True]
    monkeypatch.setattr(archive.catalogue, "candidates", replaced_then)
    assert store.get(first.id, ALL_CAMERAS) == first
    is_due = [True]
    page = store.query(EventQuery(order="oldest"), ALL_CAMERAS, 9)
    assert page.events == (first, *late[:2])
    is_due = [True]
    buckets = Buckets(START_NS // NS_PER_MS, 3_600_000, 1)
    query = EventQuery(
        from_ns=START_NS, to_ns=START_NS + NS_PER_HOUR, plate="鄂C*", min_confidence=0.1
    )
    assert store.histogram(query, ALL_CAMERAS, buckets).counts == (4,)
    (stat,) = city.objects.list(ARCHIVED_PREFIX)
    city.objects.delete(stat.key)
    for file in archive.cache.folder.iterdir():
        file.unlink()
    with pytest.raises(DataLoss, match="storage check"):
        store.get(first.id, ALL_CAMERAS)
    archive.close()


def test_the_days_are_asked_again_after_a_second(city: City) -> None:
    assert city.archive.catalogue.last_day() == ""
    city.redis.do("SET", archive_catalogue.VERSION_KEY, "another")
    seen = [city.archive.catalogue._seen]
    city.clock.advance(archive_catalogue.TRUST_S)
    city.archive.catalogue.last_day()
    seen.append(city.archive.catalogue._seen)
    city.clock.advance(0.01)
    city.archive.catalogue.last_day()
    assert [*seen, city.archive.catalogue._seen] == ["", "", "another"]


def test_sightings_are_of_the_plate_as_read_oldest_first(city: City) -> None:
    seen = [
        make_event(camera=camera, after_s=n) for n, camera in enumerate(["gate", "bridge", "gate"])
    ]
    city.index.put_all(
        [
            *seen,
            make_event(after_s=9, plate="", alternatives=(("鄂C12345", 0.5),)),
            make_event(after_s=8, plate="鄂C12346"),
        ]
    )
    assert city.store.sightings("鄂C12345", ALL_CAMERAS, (None, None), 10) == tuple(seen)
    assert city.store.sightings(
        "鄂C12345", ALL_CAMERAS, (START_NS + NS_PER_S, START_NS + 2 * NS_PER_S), 10
    ) == (seen[1],)
    assert city.store.sightings("鄂C12345", ALL_CAMERAS, (None, None), 2) == tuple(seen[:2])


def test_sightings_are_of_all_times(city: City) -> None:
    seen = [make_event(after_s=n * S_PER_DAY) for n in DAYS]
    city.index.put_all(
        [
            *seen,
            make_event(after_s=9, plate="", alternatives=(("鄂C12345", 0.5),)),
            make_event(after_s=8, plate="鄂C12346"),
        ]
    )
    city.move()
    assert city.store.sightings("鄂C12345", ALL_CAMERAS, (None, None), 10) == tuple(seen)
    assert city.store.sightings("鄂C12345", ALL_CAMERAS, (None, None), 2) == tuple(seen[:2])


def test_a_correction_of_an_old_event_is_found_at_once_and_stays(city: City) -> None:
    event = make_event(plate="鄂C12345")
    city.index.put(event)
    city.move()
    corrected = Corrections(city.redis, city.objects, city.index, city.clock).correct(
        event, "鄂C12346", "li.wei", "a look", 0
    )
    for _ in range(2):
        assert [
            city.ids(EventQuery(plate=plate)) for plate in ("鄂C12345", "鄂C12346", "鄂C1234?")
        ] == [[event.id]] * 3
        assert city.store.get(event.id, ALL_CAMERAS) == event.model_copy(
            update={"corrected": corrected}
        )
        assert city.store.sightings("鄂C12345", ALL_CAMERAS, (None, None), 5) == ()
        city.move()
    assert city.index.count() == 0
