"""One rule decides between two versions of an event: in Python, in the scripts, and for rows."""

from __future__ import annotations

from itertools import pairwise, permutations, product

import pytest

from domain.events.event import Correction, Event, event_version
from storage.clients.redis import Redis
from storage.index.event_index import EventIndex
from storage.index.record import index_entry
from storage.index.rows import IndexRow
from storage.index.shards import Shards
from tests.kept import START_NS, make_event

CLIPS: tuple[dict[str, object], ...] = (
    {},
    {"clip_missing": "the recording is damaged"},
    {"clip_ready": True},
)
STATES = list(product((1.0, 2.0), CLIPS))


def _version(lasts_s: float, clip: dict[str, object]) -> Event:
    return make_event(lasts_s=lasts_s).model_copy(update=clip)


def test_the_end_decides_then_the_clip_then_the_correction() -> None:
    keys = list(product((1_000, 1_001), (0, 1, 2), (0, 1, 63)))
    assert [event_version(*key) for key in keys] == sorted(event_version(*key) for key in keys)
    assert len({event_version(*key) for key in keys}) == len(keys)


@pytest.mark.parametrize("first", STATES)
@pytest.mark.parametrize("second", STATES)
def test_the_index_keeps_the_version_that_the_rule_names(
    first: tuple[float, dict[str, object]], second: tuple[float, dict[str, object]], redis: Redis
) -> None:
    versions = [_version(*first), _version(*second)]
    index = EventIndex(redis)
    for version in versions:
        index.put(version)
    assert index.get(versions[0].id) == max(versions, key=lambda event: event.version)


def test_a_row_has_the_version_of_its_event() -> None:
    for state in STATES:
        event = _version(*state)
        entry = index_entry(event)
        row = IndexRow(0, (entry.hour << 20).to_bytes(5, "big"), entry.record)
        assert row.version == event.version


def test_a_batch_writes_the_correction_of_an_older_version(redis: Redis) -> None:
    correction = Correction(
        text="鄂C88888", original="鄂C12345", by="li.wei", at=START_NS, version=1
    )
    corrected = make_event().model_copy(update={"corrected": correction})
    later = make_event(lasts_s=3.0)
    for batch in permutations([corrected, later]):
        redis.do("FLUSHALL")
        index = EventIndex(redis)
        index.put_all(batch)
        assert index.get(later.id) == later.model_copy(update={"corrected": correction})


def test_eviction_compares_by_the_rule(redis: Redis) -> None:
    shards = Shards(redis)
    entries = [index_entry(_version(*state)) for state in STATES]
    for older, newer in pairwise(entries):
        redis.do("FLUSHALL")
        shards.put([(0, newer)])
        assert [entry for _, entry in shards.evict([(1, older)]).superseded] == [older]
        assert [entry for _, entry in shards.evict([(1, newer)]).removed_elsewhere] == [newer]
