"""Watches and their matches on real stores: durable, restored, found once, delivered until
settled.
"""

from __future__ import annotations

import pytest

from domain.clock import NS_PER_DAY, NS_PER_S, ManualClock
from domain.errors import NotFound
from domain.events.misreadings import MatchKind
from domain.events.watches import Ended, WatchMatch, match_id
from domain.paths.object_keys import watch_object
from storage.clients.redis import Redis
from storage.clients.s3 import ObjectStore
from storage.rebuild import rebuild
from storage.site.watch_matches import WatchMatches
from storage.site.watches import Watches
from tests.kept import START_NS, make_event
from tests.storage.site.test_watch_index import watch_of


def match_of_watch(after_s: float = 0, watch: str = "20261124-00000000") -> WatchMatch:
    event = make_event(after_s=after_s)
    return WatchMatch(
        id=match_id(watch, event.id),
        watch=watch,
        plate="鄂C*",
        tie=MatchKind.EXACT,
        why="a test",
        matched_at=START_NS,
        event=event,
    )


def test_a_watch_outlives_redis(redis: Redis, objects: ObjectStore, clock: ManualClock) -> None:
    watches = Watches(redis, objects, clock)
    first, second = (
        watch_of("鄂C12345", key=1, webhook="http://10.0.0.1/"),
        watch_of("鄂C?2*", key=2),
    )
    watches.place(first)
    watches.place(second)
    watches.end(second.id, Ended.DELETED, "wang")
    redis.do("FLUSHALL")
    assert watches.version() is None
    assert rebuild(objects, redis).watches == 1
    assert watches.active() == (first,)
    (ended,) = watches.ended()
    assert (ended.id, ended.ended, ended.ended_by) == (second.id, Ended.DELETED, "wang")
    assert watches.get(second.id) == ended
    assert watches.end(second.id, Ended.EXPIRED, "") == ended, "ended once"
    with pytest.raises(NotFound):
        watches.get("20261124-99999999")


def test_an_expiry_does_not_end_a_watch_that_was_extended(
    redis: Redis, objects: ObjectStore, clock: ManualClock
) -> None:
    watches = Watches(redis, objects, clock)
    watch = watch_of("鄂C12345")
    watches.place(watch)
    extended = watches.extend(watch.id, watch.until + NS_PER_DAY)
    clock.advance((watch.until - clock.wall_ns()) / NS_PER_S)
    assert watches.end(watch.id, Ended.EXPIRED, "") == extended.record
    assert watches.active() == (extended.record,)


def test_every_change_is_noticed(redis: Redis, objects: ObjectStore, clock: ManualClock) -> None:
    watches = Watches(redis, objects, clock)
    seen = [watches.version()]
    watches.place(watch_of("鄂C12345"))
    seen.append(watches.version())
    watches.end("20261124-00000000", Ended.DELETED, "wang")
    seen.append(watches.version())
    watches.restore()
    seen.append(watches.version())
    assert len(set(seen)) == 4


def test_a_damaged_record_is_named_and_in_nobodys_way(
    redis: Redis, objects: ObjectStore, clock: ManualClock
) -> None:
    watches = Watches(redis, objects, clock)
    watches.place(watch_of("鄂C12345", key=1))
    objects.put(watch_object("20261124-00000002", 1), b"{", "application/json")
    rebuilt = rebuild(objects, redis)
    assert rebuilt.watches == 1
    assert rebuilt.damaged == (watch_object("20261124-00000002", 1),)


def test_a_match_is_added_once(redis: Redis) -> None:
    matches = WatchMatches(redis)
    first, second = match_of_watch(1), match_of_watch(2)
    assert matches.position() is None
    assert matches.add([(first, True)], 5, 0) == [first.id]
    assert matches.unseen([first, second]) == [second]
    assert matches.add([(first, True), (second, False)], 9, 0) == [second.id]
    assert matches.position() == 9
    assert [match for _, match in matches.after(0, 10).items] == [first, second]
    assert matches.waiting() == 1


def test_one_looks_at_a_time(redis: Redis) -> None:
    matches = WatchMatches(redis)
    assert matches.acquire_lease("a")
    assert not matches.acquire_lease("b")
    assert matches.acquire_lease("a")
    redis.do("DEL", "{watches}:lease")
    assert matches.acquire_lease("b")


def test_a_claimed_delivery_comes_again_until_it_is_settled(redis: Redis) -> None:
    matches = WatchMatches(redis)
    match = match_of_watch(1)
    matches.add([(match, True)], 1, 1000)
    assert matches.claim(999, 2000, 4) == []
    (delivery,) = matches.claim(1000, 2000, 4)
    assert matches.claim(1999, 3000, 4) == [], "another has it"
    assert matches.claim(2000, 3000, 4) == [delivery], "its process died"
    failed = delivery.model_copy(update={"tries": 1, "last_error": "answered 500"})
    matches.retry(failed, 5000)
    assert matches.claim(4999, 6000, 4) == []
    assert matches.claim(5000, 6000, 4) == [failed]
    matches.settle(failed, dead=True)
    assert matches.waiting() == 0
    assert matches.claim(10_000, 11_000, 4) == []
    assert matches.dead(match.watch) == [failed]
    assert matches.dead("20261124-00000009") == []
    matches.retry(failed, 0)
    assert matches.claim(10_000, 11_000, 4) == [], "settled is settled"
