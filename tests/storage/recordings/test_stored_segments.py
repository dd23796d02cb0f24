from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import NS_PER_HOUR, NS_PER_MS, NS_PER_S, S_PER_DAY, ManualClock
from domain.errors import NotFound
from domain.paths.object_keys import day_of, segment_object
from domain.paths.segment_name import SegmentName
from storage.clients.s3 import ObjectStore
from storage.recordings.day_listings import FRESH_FOR_S
from storage.recordings.stored_segments import StoredSegments, _days

if TYPE_CHECKING:
    from tests.conftest import S3Config

MIDNIGHT_MS = 1_760_054_400_000  # 2025-10-10 00:00 UTC


def _name(
    after_midnight_s: float, duration_s: float = 10, camera_id: str = "gate", fence: int = 1
) -> SegmentName:
    return SegmentName(
        camera_id, MIDNIGHT_MS + round(after_midnight_s * 1000), round(duration_s * 1000), fence
    )


def _ns(after_midnight_s: float) -> int:
    return MIDNIGHT_MS * NS_PER_MS + round(after_midnight_s * NS_PER_S)


@pytest.fixture
def stored(objects: ObjectStore, clock: ManualClock) -> StoredSegments:
    return StoredSegments(objects, clock)


def _put(stored: StoredSegments, folder: Path, *names: SegmentName) -> None:
    for name in names:
        path = folder / name.file_name
        path.write_bytes(name.file_name.encode() * 100)
        stored.put(name, path)


def test_a_range_finds_what_touches_it_also_from_the_day_before(
    s3_server: S3Config, clock: ManualClock, tmp_path: Path
) -> None:
    """In a bucket of its own: SeaweedFS goes on listing the folders of what other tests have
    deleted.
    """
    objects = ObjectStore(
        s3_server.endpoint, s3_server.access_key, s3_server.secret_key, "stored-segments"
    )
    objects.ensure_bucket()
    stored = StoredSegments(objects, clock)
    names = [_name(-20), _name(-5), _name(5), _name(15), _name(5, camera_id="gate-2")]
    _put(stored, tmp_path, *names)
    assert [one.name for one in stored.between("gate", _ns(0), _ns(15))] == names[1:3]
    assert [
        one.name for one in stored.between("gate", _ns(-NS_PER_HOUR / 1e9), _ns(3600))
    ] == names[:4]
    assert stored.between("bridge", _ns(0), _ns(15)) == ()
    assert stored.cameras() == ["gate", "gate-2"]
    assert stored.days("gate") == ["20251009", "20251010"]
    objects.close()


def test_a_listing_is_asked_for_again_once_it_is_old(
    stored: StoredSegments, tmp_path: Path, clock: ManualClock
) -> None:
    _put(stored, tmp_path, _name(0))
    assert len(stored.between("gate", _ns(0), _ns(60))) == 1
    _put(stored, tmp_path, _name(10))
    assert len(stored.between("gate", _ns(0), _ns(60))) == 1
    clock.advance(FRESH_FOR_S)
    assert len(stored.between("gate", _ns(0), _ns(60))) == 2


def test_what_was_put_can_be_fetched_and_asked_for(stored: StoredSegments, tmp_path: Path) -> None:
    name, back = _name(0), tmp_path / "back"
    back.mkdir()
    _put(stored, tmp_path, name)
    fetched = stored.fetch(name, back)
    assert fetched.read_bytes() == (tmp_path / name.file_name).read_bytes()
    assert list(back.iterdir()) == [fetched]
    assert stored.holds(name, fetched.stat().st_size)
    assert not stored.holds(name, 1)
    (found,) = stored.between("gate", _ns(0), _ns(1))
    stored.remove(found)
    stored.remove(found)
    assert not stored.holds(name, fetched.stat().st_size)
    with pytest.raises(NotFound):
        stored.fetch(name, back)


def test_objects_that_are_no_segments_of_their_folder_are_passed_over(
    stored: StoredSegments, objects: ObjectStore
) -> None:
    objects.put(
        f"recordings/gate/20251010/{_name(0, camera_id='other').file_name}", b"x", "video/mp4"
    )
    objects.put("recordings/gate/20251010/notes.txt", b"x", "text/plain")
    assert stored.between("gate", _ns(0), _ns(60)) == ()


@given(st.integers(0, 10**9), st.integers(1, 10 * S_PER_DAY))
def test_the_days_of_a_range_have_every_segment_that_can_reach_into_it(
    from_s: int, length_s: int
) -> None:
    days = list(_days(from_s * NS_PER_S, (from_s + length_s) * NS_PER_S))
    assert days == sorted(set(days))
    for start_s in (max(0, from_s - 3600), from_s, from_s + length_s - 1):
        assert day_of(start_s * NS_PER_S) in days


def test_a_key_is_the_path_on_a_nodes_disk() -> None:
    assert (
        segment_object(_name(5))
        == f"recordings/gate/20251010/gate_{MIDNIGHT_MS + 5000}_10000_1.mp4"
    )
