"""Plates that are seen often, whose pointers lie in order: found page by page, however late
they arrived.
"""

from __future__ import annotations

import random
from typing import Literal

import pytest

from domain.clock import NS_PER_HOUR
from domain.events.event import Event
from domain.events.query import EventQuery
from storage.clients.redis import Redis
from storage.index.check import check_index
from storage.index.event_index import EventIndex
from tests.kept import START_NS, make_event
from tests.searched import by_looking_at_all, paged

OFTEN, NEAR, RARE = "鄂C12345", "鄂C12346", "鄂C99999"
HOURS = 40
SPANS = [(None, None), (3, None), (None, 31), (7, 9), (12, 12), (39, 60), (-9, 0)]


def _drawn(draw: random.Random, count: int) -> list[Event]:
    """Of few plates over many hours, some hours with many; a reading in four holds another
    plate possible.
    """
    return [
        make_event(
            after_s=draw.choice([draw.randrange(HOURS * 3600), 20 * 3600 + draw.randrange(3600)]),
            plate=draw.choice([OFTEN, OFTEN, NEAR, RARE, ""]),
            alternatives=((draw.choice([OFTEN, NEAR, RARE]), 0.3),) * (draw.random() < 0.25),
            key=str(n),
        )
        for n in range(count)
    ]


def _within(
    span: tuple[int | None, int | None], plate: str, order: Literal["newest", "oldest"]
) -> EventQuery:
    from_ns, to_ns = (None if hour is None else START_NS + hour * NS_PER_HOUR for hour in span)
    return EventQuery(plate=plate, from_ns=from_ns, to_ns=to_ns, order=order)


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("seed", range(3))
def test_a_plate_seen_often_is_found_whole(
    redis: Redis, seed: int, order: Literal["newest", "oldest"]
) -> None:
    """In whatever order its events arrived, were changed and were removed, and however small the
    pages.
    """
    draw = random.Random(seed)
    index, stored = EventIndex(redis), {event.id: event for event in _drawn(draw, 600)}
    for _ in range(4):
        some = draw.sample(sorted(stored), 150)
        index.put_all([stored[event_id] for event_id in some])
    index.put_all(list(stored.values()))
    for event_id in draw.sample(sorted(stored), 100):
        stored[event_id] = stored[event_id].model_copy(
            update={"ended_at": stored[event_id].ended_at + 10**9, "plate": None}
        )
        index.put(stored[event_id])
    for event_id in draw.sample(sorted(stored), 100):
        index.remove(event_id)
        del stored[event_id]
    for span in SPANS:
        for plate in (OFTEN, RARE, "鄂C1234?"):
            query = _within(span, plate, order)
            assert paged(index, query, draw.choice([1, 4, 50])) == by_looking_at_all(
                list(stored.values()), query
            ), query
    assert list(check_index(redis)) == []


def test_what_a_plate_was_held_possible_in_is_found_by_it(redis: Redis) -> None:
    """A search for what may be misread finds also what was read as another plate."""
    index, stored = EventIndex(redis), _drawn(random.Random(5), 600)
    index.put_all(stored)
    matched = {
        event.id
        for event in stored
        if event.plate and OFTEN in (event.plate.text, *(a.text for a in event.plate.alternatives))
    }
    found = paged(index, EventQuery(plate=OFTEN, fuzzy=True), 50)
    assert len(found) == len(set(found))
    assert matched < set(found), "and what is read as NEAR"


def test_pointers_that_an_older_program_wrote_are_put_in_order(redis: Redis) -> None:
    """The second layout had a plate's pointers in the order of their arrival."""
    stored = _drawn(random.Random(6), 400)
    EventIndex(redis).put_all(stored)
    mixed = 0
    for shard in range(8):
        redis.do("SET", f"{{e{shard}}}:version", 2)
        for number in range(4):
            mixed += int(str(redis.do("EVAL", _MIX, 1, f"{{e{shard}}}:q{number}")))
    assert mixed > 1
    assert "do not lie in order" in " ".join(message for _, message in check_index(redis))
    query = _within((3, 30), OFTEN, "newest")
    assert paged(EventIndex(redis), query, 5) == by_looking_at_all(stored, query)
    assert list(check_index(redis)) == []


_MIX = """
local pointers = redis.call('GET', KEYS[1])
if not pointers or #pointers < 10 then return 0 end
redis.call('SET', KEYS[1], string.sub(pointers, 6) .. string.sub(pointers, 1, 5))
return 1
"""
