"""Counts over time on a real Valkey, against a list that is counted by looking at everything."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.clock import MS_PER_HOUR, NS_PER_MS
from domain.events.event import Event
from domain.events.misreadings import match_of
from domain.events.query import EventQuery
from storage.clients.redis import Redis
from storage.index import counts as index_counts
from storage.index.counts import Buckets
from storage.index.event_index import EventIndex
from storage.index.plate_query import found_by
from tests.examples import examples
from tests.kept import START_NS, make_event
from tests.searched import by_looking_at_all
from tests.storage.index.drawn_events import events, queries

START_MS = START_NS // NS_PER_MS


def counted_by_looking(stored: list[Event], query: EventQuery, buckets: Buckets) -> tuple[int, ...]:
    if query.fuzzy and query.plate is not None:
        plate, rest = query.plate, replace(query, plate=None, fuzzy=False)
        stored = [event for event in stored if match_of(event, plate, found_by(event)) is not None]
        return counted_by_looking(stored, rest, buckets)
    found = set(by_looking_at_all(stored, query))
    counts = [0] * buckets.count
    for event in stored:
        if event.id in found:
            counts[(event.started_at // NS_PER_MS - buckets.start_ms) // buckets.width_ms] += 1
    return tuple(counts)


def within(query: EventQuery, buckets: Buckets) -> EventQuery:
    least, greatest = (
        buckets.start_ms * NS_PER_MS,
        (buckets.start_ms + buckets.width_ms * buckets.count) * NS_PER_MS,
    )
    return replace(
        query, from_ns=max(least, query.from_ns or 0), to_ns=min(greatest, query.to_ns or greatest)
    )


buckets_of = st.builds(
    Buckets,
    st.sampled_from([START_MS - 1, START_MS, START_MS + 2000]),
    st.integers(100, 9000),
    st.integers(1, 9),
)
hours_of = st.builds(
    Buckets,
    st.just(START_MS // MS_PER_HOUR * MS_PER_HOUR),
    st.sampled_from([MS_PER_HOUR, 2 * MS_PER_HOUR]),
    st.integers(1, 3),
)


@settings(
    max_examples=examples(120),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(events, max_size=25),
    st.lists(st.tuples(queries, buckets_of | hours_of, st.booleans()), min_size=6, max_size=6),
    st.booleans(),
)
def test_counts_are_those_of_looking_at_all(
    redis: Redis, stored: list[Event], asked: list[tuple[EventQuery, Buckets, bool]], by_time: bool
) -> None:
    """Events replace each other and are removed; plates are at times counted by looking at the
    records of all.
    """
    redis.do("FLUSHALL")
    index = EventIndex(redis)
    for event in stored:
        index.put(event)
    there = {
        event.id: event
        for event in map(index.get, [event.id for event in stored])
        if event is not None
    }
    for event in stored[::5]:
        index.remove(event.id)
        there.pop(event.id, None)
    with pytest.MonkeyPatch.context() as patch:
        if by_time:
            patch.setattr(index_counts._HistogramRun, "_posted", lambda *_: None)
        for drawn, buckets, fuzzy in asked:
            is_whole = drawn.plate is not None and not set(drawn.plate) & set("?*")
            query = within(replace(drawn, fuzzy=fuzzy and is_whole and not by_time), buckets)
            found = index.histogram(query, buckets)
            assert found.exact
            assert found.counts == counted_by_looking(list(there.values()), query, buckets), query


@pytest.mark.parametrize("kind", [None, "face", "vehicle"])
def test_whole_hours_are_counted_without_reading_them(redis: Redis, kind: str | None) -> None:
    index = EventIndex(redis)
    stored = [
        make_event(after_s=n * 700, plate=None if n % 3 == 0 else "鄂C12345") for n in range(40)
    ]
    index.put_all(stored)
    buckets = Buckets(START_MS // MS_PER_HOUR * MS_PER_HOUR, MS_PER_HOUR, 10)
    query = within(EventQuery(kind=kind), buckets)  # type: ignore[arg-type]
    redis.do("CONFIG", "RESETSTAT")
    assert index.histogram(query, buckets).counts == counted_by_looking(stored, query, buckets)
    stats = redis.do("INFO", "commandstats")
    assert isinstance(stats, dict)
    assert "cmdstat_hmget" in stats
    assert "cmdstat_get" not in stats, "no block was read"


def test_what_would_take_long_is_estimated_and_reported_as_such(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the events are at each camera; a sample of a fifth of the blocks tells so, bucket
    by bucket.
    """
    index = EventIndex(redis)
    cameras = ["gate", "bridge"]
    stored = [
        make_event(camera=cameras[n % 2], after_s=n, plate=f"鄂C{n:05d}") for n in range(9_000)
    ]
    index.put_all(stored)
    buckets = Buckets(START_MS // MS_PER_HOUR * MS_PER_HOUR, MS_PER_HOUR, 4)
    query = within(EventQuery(camera="gate"), buckets)
    exact = index.histogram(query, buckets)
    assert exact.exact
    assert sum(exact.counts) == 4_500
    monkeypatch.setattr(index_counts, "RECORDS_MOST", 2_000)
    guess = index.histogram(query, buckets)
    assert not guess.exact
    assert sum(guess.counts) == pytest.approx(4_500, rel=0.2)
    for guessed, counted in zip(guess.counts, exact.counts, strict=True):
        assert guessed == pytest.approx(counted, rel=0.35, abs=2)
