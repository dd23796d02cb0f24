"""The feed on a real Valkey: numbers only rise, trimmed items are reported, and what was missed is
had again, exactly.
"""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.clock import NS_PER_S, SystemClock
from domain.events.event import Correction
from storage.clients.redis import Redis
from storage.events.feed import Feed
from storage.index.event_index import EventIndex
from tests.examples import examples
from tests.kept import START_NS, Site, make_event


def test_an_event_is_fed_when_it_is_searchable_and_again_when_its_clip_is_ready(site: Site) -> None:
    event = make_event(after_s=10)
    site.put(event)
    site.publisher.run_once()
    (first, fed), (second, ready) = Feed(site.redis, 1000).after(0, 10).items
    assert (fed, ready) == (event, event.model_copy(update={"clip_ready": True}))
    assert first < second
    assert fed.version < ready.version
    assert abs(first * 1000 - SystemClock().wall_ns()) < 600 * NS_PER_S, "a number says when"


def test_what_is_kept_after_a_correction_is_fed_with_it(site: Site) -> None:
    event = make_event(after_s=10)
    correction = Correction(text="鄂C12346", original="鄂C12345", by="li", at=START_NS, version=1)
    EventIndex(site.redis).correct(event.id, correction)
    site.put(event)
    site.publisher.run_once()
    fed = [event for _, event in Feed(site.redis, 1000).after(0, 10).items]
    assert [one.corrected for one in fed] == [correction, correction]
    assert fed[0].version < fed[1].version


def test_every_field_comes_back(redis: Redis) -> None:
    events = [
        make_event(after_s=1, alternatives=(("鄂C1Z345", 0.1), ("", 0.05))),
        make_event(after_s=2, plate=None),
        make_event(after_s=3, plate=""),
        make_event(after_s=4).model_copy(
            update={"clip_missing": "nothing was recorded", "wall_source": "sender"}
        ),
    ]
    feed = Feed(redis, 1000)
    feed.add_all(events)
    assert [event for _, event in feed.after(0, 10).items] == events
    for event in events:
        EventIndex(redis).put(event)
        assert EventIndex(redis).get(event.id) == event


def test_a_reader_before_the_first_arrival_has_not_missed_it(redis: Redis) -> None:
    feed = Feed(redis, 1000)
    nothing = feed.after(0, 10)
    assert (nothing.known_from, nothing.items) == (nothing.last, ())
    feed.add_all([make_event(after_s=1)])
    page = feed.after(nothing.last, 10)
    assert page.known_from == nothing.last < page.last
    assert len(page.items) == 1


def test_trimmed_items_are_reported_and_nothing_else(redis: Redis) -> None:
    feed = Feed(redis, 100)
    numbers: list[int] = []
    for second in range(60):
        feed.add_all([make_event(after_s=second * 10 + k) for k in range(10)])
        numbers += [number for number, _ in feed.after(numbers[-1] if numbers else 0, 10).items]
    page = feed.after(numbers[0], 1000)
    kept = [number for number, _ in page.items]
    assert len(numbers) == 600
    assert 100 <= len(kept) < 400
    assert kept == numbers[-len(kept) :]
    assert page.known_from == numbers[-len(kept) - 1], "a reader at this number has missed nothing"
    assert page.last == numbers[-1]


def test_numbers_rise_over_an_emptied_redis_and_the_break_is_reported(redis: Redis) -> None:
    feed = Feed(redis, 1000)
    feed.add_all([make_event(after_s=1), make_event(after_s=2)])
    before = feed.after(0, 10).last
    redis.do("FLUSHALL")
    feed.add_all([make_event(after_s=3)])
    page = feed.after(before, 10)
    assert len(page.items) == 1
    assert before < page.known_from < page.last


@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    batches=st.lists(st.integers(0, 7), max_size=12),
    stops=st.lists(st.integers(1, 9), min_size=1, max_size=20),
)
def test_however_it_is_read_each_is_had_once_and_in_order(
    redis: Redis, batches: list[int], stops: list[int]
) -> None:
    redis.do("FLUSHALL")
    feed, added, had, at = Feed(redis, 1000), [], [], 0
    for turn, size in enumerate(batches):
        events = [make_event(after_s=turn * 10 + k) for k in range(size)]
        feed.add_all(events)
        added += events
        page = feed.after(at, stops[turn % len(stops)])
        had += [event for _, event in page.items]
        at = page.items[-1][0] if page.items else at
    while (page := feed.after(at, 3)).items:
        had += [event for _, event in page.items]
        at = page.items[-1][0]
    assert had == added
    assert not added or at == feed.after(0, 1).last
