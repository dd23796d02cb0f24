"""The checker of the recording index in the object store."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from domain.clock import NS_PER_HOUR, ManualClock
from domain.paths.data_layout import Layout
from domain.paths.object_keys import layouts_object, segment_object
from domain.paths.segment_name import SegmentName
from storage.check import check
from storage.clients.redis import Redis
from storage.clients.s3 import ObjectStore
from storage.findings import Breach, Finding
from storage.recordings.ledger import Ledger
from storage.recordings.stored_segments import StoredSegments
from storage.recordings.virtual.layouts import hashed_record
from storage.recordings.virtual.stored_index import StoredIndex
from storage.stored_index_check import StoredIndexCheck
from tests.recorded import PLAIN, START_NS, packets_of, record

HOUR_NS = START_NS // NS_PER_HOUR * NS_PER_HOUR
INDEX_KEY = layouts_object("cam-1", HOUR_NS, "node-1")


@pytest.fixture
def key(layout: Layout, objects: ObjectStore, clock: ManualClock) -> str:
    """Store three segments and their index; return the key of the second."""
    record(packets_of(PLAIN)[:150], layout.recordings)
    segments = list(Ledger(layout.recordings).segments("cam-1", 0, 2 * START_NS))
    names = [cast(SegmentName, SegmentName.parse(one.path.name)) for one in segments]
    records = [hashed_record(one.path) for one in segments]
    for name, segment in zip(names, segments, strict=True):
        StoredSegments(objects, clock).put(name, segment.path)
        segment.path.unlink()
    data = b"".join(one.data for one in records)
    StoredIndex(objects, clock).put("cam-1", HOUR_NS, "node-1", data)
    return segment_object(names[1])


def found(objects: ObjectStore, clock: ManualClock, deep: bool = True) -> list[Finding]:
    return list(StoredIndexCheck(objects, clock, deep).find())


def test_a_changed_segment_is_damaged(key: str, objects: ObjectStore, clock: ManualClock) -> None:
    assert found(objects, clock) == []
    data = bytearray(objects.get(key))
    data[-100] ^= 1
    objects.put(key, bytes(data), "video/mp4")
    assert found(objects, clock, deep=False) == []
    (damage,) = found(objects, clock)
    assert (damage.breach, damage.subject) == (Breach.SEGMENT_DAMAGED, key)
    assert "SHA-256" in damage.message


def test_a_truncated_segment_is_found_without_reading_it(
    key: str, objects: ObjectStore, clock: ManualClock
) -> None:
    objects.put(key, objects.get(key)[:-10], "video/mp4")
    (damage,) = found(objects, clock, deep=False)
    assert (damage.breach, damage.subject) == (Breach.SEGMENT_DAMAGED, key)


def test_a_damaged_index_is_named(key: str, objects: ObjectStore, clock: ManualClock) -> None:
    data = bytearray(objects.get(INDEX_KEY))
    data[len(data) // 2] ^= 1
    objects.put(INDEX_KEY, bytes(data), "application/octet-stream")
    (damage,) = found(objects, clock)
    assert (damage.breach, damage.subject) == (Breach.LAYOUT_DIFFERS, INDEX_KEY)


def test_a_segment_that_is_deleted_or_not_yet_stored_is_no_violation(
    key: str, objects: ObjectStore, clock: ManualClock
) -> None:
    objects.delete(key)
    assert found(objects, clock) == []


def test_the_check_of_storage_includes_it(
    key: str, objects: ObjectStore, redis: Redis, clock: ManualClock, tmp_path: Path
) -> None:
    objects.put(INDEX_KEY, b"junk", "application/octet-stream")
    findings = check(objects, redis, Layout(tmp_path / "none"), clock=clock)
    assert (Breach.LAYOUT_DIFFERS, INDEX_KEY) in {(one.breach, one.subject) for one in findings}
