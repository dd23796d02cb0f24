"""The index of events on a real Valkey, against a list that is searched by looking at
everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.camera_scope import CameraScope, VisibleCameras
from domain.clock import NS_PER_S
from domain.errors import IndexUnavailable
from domain.events.event import Correction, Event, Location
from domain.events.misreadings import MatchKind, match_of
from domain.events.query import EventQuery
from storage.clients.redis import Redis, connect
from storage.index import fuzzy_search as index_fuzzy_search
from storage.index import record as index_record
from storage.index import search as index_search
from storage.index import shards as index_shards
from storage.index.event_index import EventIndex
from storage.index.plate_query import found_by
from storage.index.rows import IndexRow
from tests.examples import examples
from tests.kept import START_NS, make_event
from tests.searched import CAMERAS, PATTERNS, PLATES_USED, by_looking_at_all, paged
from tests.storage.index.drawn_events import events, queries
from tests.storage.index.stored_keys import stored_keys

PLATES_MEANT = ["鄂F88888", "", "粤B12345D", "鄂C12345"]


def make_bounds_tiny(patch: pytest.MonkeyPatch) -> None:
    bounds = (
        (index_search, "MOST", 1),
        (index_search, "PLATES_MOST", 0),
        (index_fuzzy_search, "ROWS_OF_ALL_KINDS_MOST", 0),
        (index_shards, "LISTED_FROM", 0),
    )
    for module, name, value in bounds:
        patch.setattr(module, name, value)


@settings(
    max_examples=examples(120),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(events, max_size=25),
    st.lists(queries, min_size=6, max_size=6),
    st.integers(1, 9),
    st.booleans(),
)
def test_a_search_finds_what_looking_at_all_finds(
    redis: Redis, stored: list[Event], asked: list[EventQuery], limit: int, tight: bool
) -> None:
    """Events of one id replace each other; the bounds of a search are made tiny at times, so
    that it has to go on.
    """
    redis.do("FLUSHALL")
    index = EventIndex(redis)
    latest: dict[str, Event] = {}
    for event in stored:
        index.put(event)
        if event.id not in latest or event.ended_at >= latest[event.id].ended_at:
            latest[event.id] = event
    for n, event in enumerate(list(latest.values())[::3]):
        text = PLATES_MEANT[n % len(PLATES_MEANT)]
        index.correct(
            event.id,
            Correction(
                text=text,
                original=event.plate.text if event.plate else "",
                by="li",
                at=START_NS,
                version=1,
            ),
        )
        latest[event.id] = event.model_copy(
            update={"corrected": index.corrections([event.id])[event.id]}
        )
    with pytest.MonkeyPatch.context() as patch:
        if tight:
            make_bounds_tiny(patch)
        for query in asked:
            assert paged(index, query, limit) == by_looking_at_all(list(latest.values()), query)
    assert index.count() == len(latest)
    assert index.get_all(list(latest)) == list(latest.values()), (
        "every field of an event comes back"
    )


@pytest.mark.parametrize("tight", [False, True])
@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_every_pattern_finds_its_plates_among_many(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, tight: bool, order: Literal["newest", "oldest"]
) -> None:
    """Enough distinct plates that each bound is reached: of the dictionary, of the plates that
    match, of the ids looked at.
    """
    index = EventIndex(redis)
    plates = [
        "鄂C12345",
        "鄂C12346",
        "鄂F88888",
        "鄂F8888A",
        "京A12345",
        "粤B12345D",
        "京B88880",
        "鄂A12355",
    ]
    stored = [
        make_event(camera=CAMERAS[n % 3], after_s=n / 4, plate=plates[n % len(plates)])
        for n in range(48)
    ]
    index.put_all(stored)
    if tight:
        make_bounds_tiny(monkeypatch)
    for pattern in PATTERNS:
        for camera in (None, "gate"):
            query = EventQuery(plate=pattern, camera=camera, order=order)
            assert paged(index, query, 7) == by_looking_at_all(stored, query), query


@settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(events, max_size=12))
def test_places_that_share_a_name_are_distinguished(redis: Redis, stored: list[Event]) -> None:
    """Names of places are four bytes of a hash: here all of them are the same four."""
    redis.do("FLUSHALL")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_record, "NAME_BYTES", 0)
        index_record._place.cache_clear()
        index = EventIndex(redis)
        for event in stored:
            index.put(event)
        for camera in CAMERAS:
            query = EventQuery(camera=camera)
            assert paged(index, query, 3) == by_looking_at_all(
                list({event.id: event for event in stored}.values()), query
            )
    index_record._place.cache_clear()


@settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.tuples(events, st.booleans()), max_size=20))
def test_removing_leaves_nothing_behind(redis: Redis, steps: list[tuple[Event, bool]]) -> None:
    redis.do("FLUSHALL")
    index = EventIndex(redis)
    for event, then_remove in steps:
        index.put(event)
        if then_remove:
            index.remove(event.id)
            assert index.get(event.id) is None
    for event, _ in steps:
        index.remove(event.id)
    assert stored_keys(redis) == [], "postings, dictionaries and rows go with their events"


def test_an_event_put_again_leaves_its_old_postings(redis: Redis) -> None:
    index = EventIndex(redis)
    first = make_event(plate="鄂C12345")
    index.put(first)
    index.put(make_event(plate="鄂C54321", lasts_s=2))
    assert paged(index, EventQuery(plate="鄂C12345"), 5) == []
    assert paged(index, EventQuery(plate="鄂C*"), 5) == [first.id]


def test_a_replay_never_takes_a_clip_away(redis: Redis) -> None:
    index = EventIndex(redis)
    event = make_event()
    index.put(event.model_copy(update={"clip_ready": True}))
    index.put(event)
    assert (found := index.get(event.id)) is not None
    assert found.clip_ready
    longer = make_event(lasts_s=5)
    index.put(longer)
    assert index.get(event.id) == longer, "a passing that went on gets a new clip"


def test_paging_is_stable_while_events_arrive(redis: Redis) -> None:
    index = EventIndex(redis)
    there = [make_event(after_s=n) for n in range(20)]
    index.put_all(there)
    seen: list[str] = []
    after: str | None = None
    for n in range(100):
        page = index.query(EventQuery(), 3, after)
        seen += [event.id for event in page.events]
        index.put(make_event(after_s=30 + n))
        if page.next is None:
            break
        after = page.next
    assert seen == sorted((event.id for event in there), reverse=True)


def test_the_last_page_says_so(redis: Redis) -> None:
    index = EventIndex(redis)
    index.put_all([make_event(after_s=n) for n in range(4)])
    first = index.query(EventQuery(), 2)
    assert index.query(EventQuery(), 2, first.next).next is None


def test_a_cursor_outside_the_asked_time_widens_nothing(redis: Redis) -> None:
    index = EventIndex(redis)
    early, late = make_event(after_s=0), make_event(after_s=100)
    index.put_all([early, late])
    oldest = EventQuery(from_ns=START_NS + 50 * NS_PER_S, order="oldest")
    assert [event.id for event in index.query(oldest, 5, early.id).events] == [late.id]
    newest = EventQuery(to_ns=START_NS + 50 * NS_PER_S)
    assert [event.id for event in index.query(newest, 5, late.id).events] == [early.id]


def test_ids_walk_everything(redis: Redis) -> None:
    index = EventIndex(redis)
    stored = sorted(event.id for event in (make_event(after_s=n) for n in range(7)))
    index.put_all([make_event(after_s=n) for n in range(7)])
    first = index.ids(None, 4)
    assert first + index.ids(first[-1], 4) == stored
    assert index.ids(stored[-1], 4) == []


@pytest.mark.parametrize("pattern", ["*?" * 60, "*8" * 8, "?" * 5000])
def test_no_pattern_takes_long(redis: Redis, pattern: str) -> None:
    """Runs of wildcards are folded, so that a pattern made to hurt is one like any other."""
    index = EventIndex(redis)
    index.put_all([make_event(after_s=n, plate=f"鄂C8888{n % 10}") for n in range(300)])
    assert isinstance(paged(index, EventQuery(plate=pattern), 50), list)


def test_a_dead_redis_is_reported_plainly() -> None:
    client = connect("redis://127.0.0.1:1/0")
    with pytest.raises(IndexUnavailable, match="Redis"):
        EventIndex(client).get(make_event().id)
    client.close()


@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(events, max_size=20),
    st.sampled_from([p for p in PLATES_USED if p] + ["鄂C12395", "鄂FB8888"]),
    st.integers(1, 5),
)
def test_one_misreading_away_is_found_the_surest_first(
    redis: Redis, stored: list[Event], plate: str, limit: int
) -> None:
    redis.do("FLUSHALL")
    index = EventIndex(redis)
    latest = {event.id: event for event in stored}
    index.put_all(list(latest.values()))
    ranked = [
        (match.kind, event.id)
        for event in latest.values()
        if (match := match_of(event, plate, found_by(event))) is not None
    ]
    expected = [
        event_id
        for tie in MatchKind
        for _, event_id in sorted((pair for pair in ranked if pair[0] is tie), reverse=True)
    ]
    assert paged(index, EventQuery(plate=plate, fuzzy=True), limit) == expected


def test_a_place_that_another_process_made_known_is_found(redis: Redis, valkey_server: str) -> None:
    """A search for a few places by name must know all of them."""
    index, other = EventIndex(redis), connect(valkey_server)
    first = make_event(camera="gate")
    index.put(first)
    assert paged(index, EventQuery(camera="gate"), 5) == [first.id]
    moved = make_event(camera="gate", after_s=5).model_copy(
        update={"location": Location(lon=111.51, lat=32.5)}
    )
    EventIndex(other).put(moved)
    other.close()
    assert paged(index, EventQuery(camera="gate"), 5) == [moved.id, first.id]
    redis.do("FLUSHALL")
    index.put(make_event(camera="bridge", after_s=5))
    assert paged(index, EventQuery(camera="bridge"), 5) == [
        make_event(camera="bridge", after_s=5).id
    ]
    assert paged(index, EventQuery(camera="gate"), 5) == []


def test_a_plate_loads_no_events_of_other_places(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frequent plate has hundreds of events at cameras outside a scope."""
    index, loaded = EventIndex(redis), list[int]()
    load = index_search.load

    def counted(
        shards: index_shards.Shards, rows: Sequence[IndexRow], is_whole: bool = False
    ) -> list[Event | None]:
        loaded.append(len(rows))
        return load(shards, rows, is_whole)

    others = [make_event("bridge", after_s=number, key=str(number)) for number in range(300)]
    mine = [make_event("gate", after_s=number * 100) for number in range(3)]
    index.put_all([*others, *mine])
    visible = VisibleCameras(CameraScope(cameras=("gate",)), frozenset({"gate"}))
    monkeypatch.setattr(index_search, "load", counted)
    for plate in ("鄂C12345", "鄂C1234?"):
        loaded.clear()
        page = index.query(EventQuery(plate=plate, visible=visible), 50)
        assert [event.id for event in page.events] == [event.id for event in reversed(mine)]
        assert sum(loaded) <= len(mine) * 2, plate
