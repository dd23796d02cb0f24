"""Impossible legs of hours, on a real Valkey, against looking at every plate's sightings."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.clock import NS_PER_HOUR, NS_PER_MS, NS_PER_S
from domain.events.event import Correction, Event, Location
from domain.events.journeys import leg
from domain.ulid import event_id
from storage.clients.redis import Redis
from storage.index import impossible_legs as impossible
from storage.index.event_index import EventIndex
from tests.examples import examples
from tests.kept import START_NS, make_event

FIRST = START_NS // NS_PER_HOUR
METRES_PER_DEGREE = 111_194.9
WHEREABOUTS_M = [0, 100, 4_000, 60_000]


def seen(
    at_s: int, metres_north: int, plate: str = "鄂C12345", lasts_s: float = 1.0, best_s: float = 0
) -> Event:
    at_ns = FIRST * NS_PER_HOUR + at_s * NS_PER_S
    made = make_event(after_s=(at_ns - START_NS) / NS_PER_S, plate=plate, lasts_s=lasts_s)
    place = f"camera-{metres_north}"
    changes = {
        "id": event_id(place, "vehicle", at_ns, "1"),
        "camera": place,
        "location": Location(lon=111.5, lat=32 + metres_north / METRES_PER_DEGREE),
        "best_at": at_ns + round(best_s * 1000) * NS_PER_MS,
    }
    return Event.model_validate(made.model_dump(by_alias=True) | changes)


def by_looking_at_all(stored: list[Event]) -> list[tuple[str, str]]:
    """Legs to the plate's sighting before, where that lies in the same hour or the one before;
    the latest first.
    """
    found = []
    for plate in {event.reading for event in stored if event.reading}:
        sightings = sorted(
            (event for event in stored if event.reading == plate), key=lambda event: event.id
        )
        found += [
            (a.id, b.id)
            for a, b in pairwise(sightings)
            if leg(a, b).impossible
            and b.started_at // NS_PER_HOUR - a.started_at // NS_PER_HOUR <= 1
        ]
    return sorted(found, key=lambda pair: pair[1], reverse=True)


sightings = st.builds(
    seen,
    at_s=st.integers(0, 9) | st.integers(3590, 3610) | st.integers(0, 12_000),
    metres_north=st.sampled_from(WHEREABOUTS_M),
    plate=st.sampled_from(["鄂C12345", "鄂C1Z345", "WJ88885", ""]),
    lasts_s=st.sampled_from([1.0, 100.0]),
    best_s=st.sampled_from([0, 0.5, 80.0]),
)


@settings(
    max_examples=examples(80),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(sightings, max_size=14), st.lists(sightings, max_size=4), st.booleans())
def test_legs_are_those_of_looking_at_all_also_when_events_come_late_go_and_are_corrected(
    redis: Redis, stored: list[Event], late: list[Event], tight: bool
) -> None:
    redis.do("FLUSHALL")
    index = EventIndex(redis)
    with pytest.MonkeyPatch.context() as patch:
        if tight:
            patch.setattr(impossible, "RECORDS_MOST", 0)
        index.put_all(stored)
        assert legs(index) == by_looking_at_all(there(index, stored))
        index.put_all(late)
        assert legs(index) == by_looking_at_all(there(index, stored + late)), "late"
        for event in stored[::4]:
            index.remove(event.id)
        assert legs(index) == by_looking_at_all(there(index, stored + late)), "removed"
        for event in stored[1::4]:
            index.correct(
                event.id,
                Correction(
                    text="鄂C1Z345", original=event.reading, by="li.wei", at=START_NS, version=1
                ),
            )
        assert legs(index) == by_looking_at_all(there(index, stored + late)), "corrected"


@pytest.mark.parametrize(
    "other", ["鄂C1Z345", "京A00001", "京A00002", "京A00003", "京A00004", "京A00005", "WJ88885"]
)
def test_a_version_that_reads_otherwise_is_looked_at_again(redis: Redis, other: str) -> None:
    """Of these plates some lie in the shard of the first, and others do not; the number of
    events stays.
    """
    here, there_ = seen(0, 0), seen(5, 9_000)
    index = EventIndex(redis)
    index.put_all([here, there_])
    assert legs(index) == [(here.id, there_.id)]
    for lasts_s, plate, found in [(2.0, other, []), (3.0, "鄂C12345", [(here.id, there_.id)])]:
        version = seen(5, 9_000, plate, lasts_s)
        assert version.id == there_.id
        index.put(version)
        assert legs(index) == found, plate


def there(index: EventIndex, stored: list[Event]) -> list[Event]:
    """Plates that no code can hold are not looked for."""
    found = {
        event.id: event
        for event in index.get_all([event.id for event in stored])
        if event is not None
    }
    return [event for event in found.values() if event.reading != "WJ88885"]


def legs(index: EventIndex) -> list[tuple[str, str]]:
    """Asked until every hour was looked at, an hour at a time where the bound is tight."""
    for _ in range(10):
        found = index.impossible(FIRST - 1, FIRST + 5)
        if not found.pending_hours:
            return found.pairs
    raise AssertionError("there is always more to look at")


def test_an_hour_is_read_once_until_something_comes(redis: Redis) -> None:
    index = EventIndex(redis)
    index.put_all([seen(0, 0), seen(5, 60_000)])
    assert len(legs(index)) == 1
    redis.do("CONFIG", "RESETSTAT")
    assert len(legs(index)) == 1
    stats = redis.do("INFO", "commandstats")
    assert isinstance(stats, dict)
    assert "cmdstat_mget" in stats
    assert "cmdstat_get" not in stats, "no block was read"
    index.put(seen(9, 0))
    assert len(legs(index)) == 2


def test_too_many_in_an_hour_are_cut_off_and_reported(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(impossible, "PAIRS_MOST", 2)
    index = EventIndex(redis)
    index.put_all([seen(n, WHEREABOUTS_M[n % 2 * 3]) for n in range(9)])
    found = index.impossible(FIRST, FIRST)
    assert (len(found.pairs), found.overfull_hours) == (2, 1)
