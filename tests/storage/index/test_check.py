"""Proof of the index's layout: sound after anything that is done to it, and reported where it is
not; and its older layout.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from domain.clock import MS_PER_HOUR, NS_PER_HOUR
from domain.errors import IndexUnavailable
from domain.events.query import EventQuery
from storage.clients.redis import Redis
from storage.index.check import check_index
from storage.index.counts import Buckets
from storage.index.event_index import EventIndex
from storage.index.record import index_entry
from storage.index.shards import Shards, shard_of
from tests.kept import START_NS, make_event
from tests.searched import by_looking_at_all, drawn_of_few, paged


@pytest.mark.parametrize("seed", range(4))
def test_what_is_written_changed_removed_and_expired_leaves_a_sound_index(
    redis: Redis, seed: int
) -> None:
    draw = random.Random(seed)
    index = EventIndex(redis)
    written: set[str] = set()
    for _ in range(4):
        batch = [drawn_of_few(draw) for _ in range(400)]
        index.put_all(batch)
        written |= {event.id for event in batch}
        for event_id in draw.sample(sorted(written), len(written) // 3):
            index.remove(event_id)
        assert list(check_index(redis)) == []
    index.expire(START_NS - START_NS % NS_PER_HOUR + NS_PER_HOUR)
    assert list(check_index(redis)) == []


DAMAGES: dict[str, Callable[[Redis, str], object]] = {
    ":n": lambda redis, shard: redis.do("INCR", f"{shard}:n"),
    ":k": lambda redis, shard: redis.do("HINCRBY", f"{shard}:k", START_NS // NS_PER_HOUR, 1),
    ":s": lambda redis, shard: redis.do(
        "SETBIT", f"{shard}:s7", 0, 1 - int(str(redis.do("GETBIT", f"{shard}:s7", 0)))
    ),
    ":live": lambda redis, shard: redis.do("SETBIT", f"{shard}:live", 0, 0),
    ":t": lambda redis, shard: redis.do("SETRANGE", f"{shard}:t", 0, "abcdef"),
    ":free": lambda redis, shard: redis.do("RPUSH", f"{shard}:free", 0),
    ":pl": lambda redis, shard: redis.do("DEL", f"{shard}:pl"),
    ":b": lambda redis, shard: redis.do("DEL", f"{shard}:b{START_NS // NS_PER_HOUR}:0"),
    ":h": lambda redis, shard: redis.do(
        "SETRANGE", f"{shard}:h{START_NS // NS_PER_HOUR}", 0, "\0\0\0\0\0\0\0\0"
    ),
    ":q": lambda redis, shard: redis.do("APPEND", f"{shard}:q0", "12345"),
    ":version": lambda redis, shard: redis.do("SET", f"{shard}:version", 1),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_damage_is_reported(redis: Redis, damage: str) -> None:
    index = EventIndex(redis)
    index.put_all([make_event(after_s=n) for n in range(30)])
    (shard,) = [f"{{e{n}}}" for n in range(8) if redis.do("EXISTS", f"{{e{n}}}:n")]
    assert list(check_index(redis)) == []
    DAMAGES[damage](redis, shard)
    assert list(check_index(redis)), damage


def test_an_event_in_several_shards_is_reported(redis: Redis) -> None:
    """As while a new reading replaces another, or after a writer died between the two."""
    versions = [index_entry(make_event(plate=f"鄂F0000{n}")) for n in range(9)]
    Shards(redis).put([(shard_of(entry), entry) for entry in versions])
    (said,) = {
        message
        for where, message in check_index(redis)
        if where == f"hour {START_NS // NS_PER_HOUR}"
    }
    assert "an event lies in" in said


def test_an_older_layout_is_brought_up_to_date(redis: Redis) -> None:
    """The first layout had no version, no counts of hours, and no sum of the names of places."""
    stored = [drawn_of_few(random.Random(n)) for n in range(300)]
    EventIndex(redis).put_all(stored)
    for shard in range(8):
        redis.do("DEL", f"{{e{shard}}}:version", f"{{e{shard}}}:k")
        redis.do("HDEL", f"{{e{shard}}}:pl", "sum", "placeless")
    assert "it is of layout 1, and this program's is 3" in {
        message for _, message in check_index(redis)
    }
    index, latest = EventIndex(redis), {event.id: event for event in stored}
    hours = Buckets(START_NS // NS_PER_HOUR * MS_PER_HOUR, MS_PER_HOUR, 4)
    assert sum(index.histogram(EventQuery(), hours).counts) == len(latest)
    assert list(check_index(redis)) == []
    assert paged(index, EventQuery(camera="gate"), 50) == by_looking_at_all(
        list(latest.values()), EventQuery(camera="gate")
    )


def test_a_layout_of_a_newer_program_is_refused(redis: Redis) -> None:
    EventIndex(redis).put(make_event())
    for shard in range(8):
        if redis.do("EXISTS", f"{{e{shard}}}:n"):
            redis.do("SET", f"{{e{shard}}}:version", 9)
    with pytest.raises(IndexUnavailable, match="layout 9 and this program knows 3"):
        EventIndex(redis).count()
