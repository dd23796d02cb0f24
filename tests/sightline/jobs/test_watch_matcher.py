"""The watch matcher on real stores: matches, missed events, expiry, and crashes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domain.clock import NS_PER_S
from domain.events.watches import Ended
from domain.paths.object_keys import watches_prefix
from sightline.jobs import watch_matcher as vehicle_watches
from storage.clients.versioned_records import version_key
from storage.site.watch_matches import LEASE_MS
from tests.kept import START_NS, make_event
from tests.sightline.jobs.watch_city import City, placed

if TYPE_CHECKING:
    pass


def test_what_was_indexed_is_matched_and_audited_under_the_name_of_who_asked(city: City) -> None:
    node = city.node()
    node.run_once()
    watch = placed(city)
    event = make_event(after_s=5)
    city.passes(event, make_event(after_s=6, plate="鄂A99999"), make_event(after_s=7, plate=None))
    node.run_once()
    assert city.found() == [(watch.id, event.id)]
    (entry,) = city.audited("watch.match")
    assert (entry["person"], entry["reason"], entry["case"]) == ("li", "a test", "118")
    assert entry["terms"] == {"watch": watch.id, "event": event.id, "plate": "鄂C12345"}


def test_a_later_version_of_an_event_is_no_second_match(city: City) -> None:
    node = city.node()
    placed(city)
    node.run_once()
    event = make_event(after_s=5)
    city.passes(event)
    node.run_once()
    city.passes(event.model_copy(update={"clip_ready": True}))
    node.run_once()
    assert len(city.found()) == 1
    assert len(city.audited("watch.match")) == 1


def test_a_late_event_is_matched_with_its_own_time(city: City) -> None:
    node = city.node()
    node.run_once()
    watch = placed(city)
    late = make_event(after_s=-7200)
    city.passes(late)
    node.run_once()
    assert city.found() == [(watch.id, late.id)]
    (match,) = [match for _, match in city.matches.after(0, 5).items]
    assert match.event.started_at == late.started_at < match.matched_at


def test_another_goes_on_where_the_first_died(city: City) -> None:
    """The first is killed before its matches are added, or before its position is stored."""
    first, second = city.node("node-1"), city.node("node-2")
    watch = placed(city)
    first.run_once()
    before = city.matches.position()
    assert before is not None
    city.passes(make_event(after_s=1))
    first.run_once()
    city.redis.do("SET", "{watches}:position", before)
    city.passes(make_event(after_s=2))
    assert second.run_once() == vehicle_watches.IDLE_S, "the first still has the lease"
    assert len(city.found()) == 1
    city.redis.do("DEL", "{watches}:lease")
    second.run_once()
    assert city.found() == [(watch.id, make_event(after_s=second_s).id) for second_s in (1, 2)]
    assert LEASE_MS < 10_000


def test_what_the_feed_has_forgotten_is_looked_up_in_the_index(city: City) -> None:
    node = city.node()
    watch = placed(city)
    node.run_once()
    missed = make_event(after_s=1)
    city.passes(missed)
    for batch in range(6):
        city.passes(
            *(make_event(after_s=10 + batch * 100 + k, plate="鄂A99999") for k in range(100))
        )
    assert city.feed.after(0, 1).known_from > (city.matches.position() or 0)
    last = make_event(after_s=1000)
    city.passes(last)
    node.run_once()
    node.run_once()
    city.passes(make_event(after_s=1001))
    for _ in range(3):
        node.run_once()
    assert sorted(city.found()) == sorted(
        (watch.id, make_event(after_s=second).id) for second in (1, 1000, 1001)
    )
    assert last.id in {event for _, event in city.found()}
    assert city.matches.position() == city.feed.after(0, 1).last


def test_what_is_owed_outlives_who_looked_it_up_and_keeps_nothing_waiting(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vehicle_watches, "CATCH_UP_S", -1)
    watches = [placed(city, key=key) for key in range(3)]
    missed, now = make_event(after_s=1), make_event(after_s=5)
    city.index.put(missed)
    first = city.node("node-1")
    for _ in range(3):
        first.run_once()
    city.passes(now)
    first.run_once()
    assert sorted(city.found()) == sorted((watch.id, now.id) for watch in watches), (
        "what arrives does not wait"
    )
    city.redis.do("DEL", "{watches}:lease")
    monkeypatch.setattr(vehicle_watches, "CATCH_UP_S", 60)
    second = city.node("node-2")
    for _ in range(2):
        second.run_once()
    assert sorted(city.found()) == sorted(
        (watch.id, event.id) for watch in watches for event in (missed, now)
    )
    assert city.matches.owed() is None


def test_an_emptied_redis_gets_its_watches_back_by_itself(city: City) -> None:
    node = city.node()
    watch = placed(city)
    node.run_once()
    city.redis.do("FLUSHALL")
    node.run_once()
    event = make_event(after_s=3)
    city.passes(event)
    node.run_once()
    assert city.found() == [(watch.id, event.id)]


def test_a_watch_ends_by_itself_and_that_is_recorded(city: City) -> None:
    node = city.node()
    watch = placed(city, until=START_NS + 60 * NS_PER_S)
    node.run_once()
    city.clock.advance(61)
    city.passes(make_event(after_s=62))
    node.run_once()
    assert city.found() == []
    assert city.watches.active() == ()
    assert city.watches.get(watch.id).ended is Ended.EXPIRED
    (entry,) = city.audited("watch.expire")
    assert entry["terms"] == {"watch": watch.id}


@pytest.mark.parametrize("is_damaged", [True, False])
def test_a_watch_whose_record_is_lost_or_damaged_expires_and_stops_no_other(
    city: City, is_damaged: bool
) -> None:
    node = city.node()
    lost = placed(city, key=1, until=START_NS + 60 * NS_PER_S)
    well = placed(city, key=2)
    node.run_once()
    first = version_key(watches_prefix(lost.id), 1)
    if is_damaged:
        city.objects.put(first, b"{", "application/json")
    else:
        city.objects.delete(first)
    city.clock.advance(61)
    event = make_event(after_s=62)
    city.passes(event)
    node.run_once()
    node.run_once()
    assert city.found() == [(well.id, event.id)]
    assert [watch.id for watch in city.watches.active()] == [well.id]
    assert len(city.audited("watch.expire")) == 1
