"""Hours that expire leave nothing in the index."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.clock import MS_PER_HOUR, NS_PER_HOUR
from domain.errors import IndexUnavailable
from domain.events.event import Event
from domain.events.query import EventQuery
from domain.ulid import id_parts, id_text
from storage.clients.redis import Redis
from storage.index import shards as index_shards
from storage.index.event_index import EventIndex
from tests.examples import examples
from tests.full_memory import full_memory
from tests.kept import START_NS, make_event
from tests.searched import PATTERNS, by_looking_at_all, paged
from tests.storage.index.drawn_events import events
from tests.storage.index.stored_keys import stored_keys


@settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(st.tuples(events, st.integers(-2, 2)), max_size=25),
    st.integers(-2, 3),
    st.integers(1, 3),
)
def test_hours_that_expired_leave_nothing_behind(
    redis: Redis, drawn: list[tuple[Event, int]], before: int, at_once: int
) -> None:
    """What a search finds afterwards is what was put since then, and with the last hour the
    last key goes.
    """
    redis.do("FLUSHALL")
    index = EventIndex(redis)
    latest = {event.id: event for event in (hours_later(event, hours) for event, hours in drawn)}
    index.put_all(list(latest.values()))
    before_ns = START_NS - START_NS % NS_PER_HOUR + before * NS_PER_HOUR
    left = {event_id: event for event_id, event in latest.items() if event.started_at >= before_ns}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_shards, "EXPIRED_A_CALL", at_once)
        assert index.expire(before_ns + NS_PER_HOUR - 1) == len(latest) - len(left)
        assert index.expire(before_ns) == 0
    assert index.hours() == sorted({event.started_at // NS_PER_HOUR for event in left.values()})
    found = [event for hour in index.hours() for event in index.hour(hour)]
    assert found == sorted(left.values(), key=lambda event: event.id)
    for pattern in PATTERNS:
        assert paged(index, EventQuery(plate=pattern), 7) == by_looking_at_all(
            list(left.values()), EventQuery(plate=pattern)
        )
    index.expire(START_NS + 9 * NS_PER_HOUR)
    assert stored_keys(redis) == []


def hours_later(event: Event, hours: int) -> Event:
    """The same passing at another time."""
    start_ms, tail = id_parts(event.id)
    moments = {
        name: getattr(event, name) + hours * NS_PER_HOUR
        for name in ("started_at", "best_at", "ended_at")
    }
    return event.model_copy(update={"id": id_text(start_ms + hours * MS_PER_HOUR, tail), **moments})


def test_events_are_removed_while_redis_has_no_memory_left(
    redis: Redis,
) -> None:
    index = EventIndex(redis)
    old, other, new = make_event(), make_event(after_s=1), make_event(after_s=7200)
    index.put_all([old, other, new])
    with full_memory(redis):
        with pytest.raises(IndexUnavailable, match="maxmemory"):
            index.put(make_event(after_s=2))
        index.remove(old.id)
        assert index.query(EventQuery(plate="鄂C?2345"), 5).events == (new, other)
        assert index.expire(other.started_at + NS_PER_HOUR) == 1
        assert index.query(EventQuery(), 5).events == (new,)
        assert index.impossible(START_NS // NS_PER_HOUR, START_NS // NS_PER_HOUR + 3).pairs == []
    index.remove(new.id)
    assert [key for key in stored_keys(redis) if not key.startswith("{impossible}")] == []
