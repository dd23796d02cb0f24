"""Histograms over the index and the archive, compared with a count of all events."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.camera_scope import ALL_CAMERAS
from domain.clock import MS_PER_DAY, MS_PER_HOUR, NS_PER_DAY, NS_PER_MS, S_PER_DAY
from domain.errors import ObjectsUnavailable
from domain.events.event import Event
from domain.events.query import EventQuery
from storage.archive import search as archive_search
from storage.index.counts import Buckets
from tests.examples import examples
from tests.kept import START_NS, make_event
from tests.searched import by_looking_at_all
from tests.storage.events.drawn_city import DAYS, City, events, latest, queries


def counted(stored: list[Event], ids: list[str], buckets: Buckets) -> tuple[int, ...]:
    starts = [event.started_at // NS_PER_MS for event in stored if event.id in ids]
    return tuple(
        sum(buckets.index_of(start) == n for start in starts) for n in range(buckets.count)
    )


@settings(
    max_examples=examples(20),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(events, max_size=25),
    st.lists(events, max_size=4),
    st.lists(queries, min_size=8, max_size=8),
    st.sampled_from([2 * MS_PER_HOUR, MS_PER_DAY, 3 * MS_PER_DAY]),
    st.booleans(),
)
def test_a_histogram_counts_what_a_search_finds(
    city: City,
    early: list[Event],
    late: list[Event],
    asked: list[EventQuery],
    width_ms: int,
    in_haste: bool,
) -> None:
    """In haste one day is looked at, and `whole_from_ns` says from when on the counts are whole."""
    city.empty()
    city.index.put_all(latest(early))
    city.move()
    for event in late:
        city.index.put(event)
    stored = latest([*early, *late])
    start_ms = START_NS // NS_PER_MS // MS_PER_DAY * MS_PER_DAY
    buckets = Buckets(start_ms, width_ms, -(-9 * MS_PER_DAY // width_ms))
    exact = [
        EventQuery(kind=None),
        EventQuery(kind="face"),
        EventQuery(plate="鄂C12345", fuzzy=True),
    ]
    with pytest.MonkeyPatch.context() as patch:
        if in_haste:
            patch.setattr(archive_search, "FILES_A_GROUP", 1)
        for query in [*exact, *asked]:
            query = replace(
                query,
                from_ns=query.from_ns or START_NS,
                to_ns=query.to_ns or START_NS + 8 * NS_PER_DAY,
            )
            found = city.store.histogram(query, query.visible, buckets, 0.0 if in_haste else 60.0)
            expected = counted(
                stored,
                city.ids(query) if query.fuzzy else by_looking_at_all(stored, query),
                buckets,
            )
            assert found.exact
            whole_from = (
                0
                if found.whole_from_ns is None
                else buckets.index_of(found.whole_from_ns // NS_PER_MS) + 1
            )
            assert found.counts[whole_from:] == expected[whole_from:], query
            assert all(count <= most for count, most in zip(found.counts, expected, strict=True)), (
                query
            )
            assert in_haste or found.whole_from_ns is None


def test_a_histogram_in_haste_says_from_when_on_it_is_whole(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.index.put_all([make_event(after_s=n * S_PER_DAY) for n in DAYS])
    city.move()
    monkeypatch.setattr(archive_search, "FILES_A_GROUP", 1)
    start_ms = START_NS // NS_PER_MS // MS_PER_DAY * MS_PER_DAY
    query = EventQuery(from_ns=START_NS, to_ns=START_NS + 8 * NS_PER_DAY)
    found = city.store.histogram(query, ALL_CAMERAS, Buckets(start_ms, MS_PER_DAY, 9), 0.0)
    assert found.whole_from_ns == (start_ms + DAYS[2] * MS_PER_DAY) * NS_PER_MS
    assert found.counts[: DAYS[2]] == (0, 0)
    assert found.counts[DAYS[2]] == 1


def test_a_histogram_says_what_it_lacks_while_the_object_store_is_away(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.index.put_all([make_event(after_s=n * S_PER_DAY) for n in DAYS])
    city.move()

    def away(*_: object) -> bytes:
        raise ObjectsUnavailable("the store is away")

    monkeypatch.setattr(city.archive.cache, "_local_path", away)
    start_ms = START_NS // NS_PER_MS // MS_PER_DAY * MS_PER_DAY
    query = EventQuery(kind="vehicle", from_ns=START_NS, to_ns=START_NS + 8 * NS_PER_DAY)
    found = city.store.histogram(query, ALL_CAMERAS, Buckets(start_ms, MS_PER_DAY, 9))
    assert sum(found.counts) == 1
    assert found.whole_from_ns == (start_ms + (DAYS[2] + 1) * MS_PER_DAY) * NS_PER_MS
