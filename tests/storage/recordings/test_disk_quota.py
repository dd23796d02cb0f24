from __future__ import annotations

import errno
import logging
import os
import shutil
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from domain.alarms import AlarmName
from domain.clock import NS_PER_MS, ManualClock
from domain.errors import StoreError
from domain.paths.object_keys import day_of, hold_object
from domain.paths.segment_name import SegmentName
from domain.recordings.holds import Hold, StandingHolds
from domain.registry import Camera
from domain.settings import Settings
from storage.clients.s3 import ObjectStore
from storage.recordings.disk_quota import (
    MOST_REFUSED,
    MOST_REFUSED_OF_CAMERA,
    Claims,
    ClipRanges,
    DiskQuota,
)
from storage.recordings.ledger import Ledger, Segment, open_name
from storage.site.holds import Holds, NodeHolds

START_MS = 1_760_000_000_000
SIZE_BYTES = 1_000
Asked = list[tuple[str, int, int]]


def _segment(recordings: Path, camera_id: str, number: int, is_open: bool = False) -> None:
    start_ms = START_MS + number * 10_000
    folder = recordings / camera_id / day_of(start_ms * NS_PER_MS)
    folder.mkdir(parents=True, exist_ok=True)
    name = (
        open_name(camera_id, start_ms, 1)
        if is_open
        else SegmentName(camera_id, start_ms, 10_000, 1).file_name
    )
    (folder / name).write_bytes(b"x" * SIZE_BYTES)


def _left(recordings: Path) -> list[tuple[str, int]]:
    return [
        (s.camera_id, (s.start_ms - START_MS) // 10_000) for s in Ledger(recordings).oldest_first()
    ]


def _bound(
    recordings: Path,
    segments: float,
    clip_ranges: ClipRanges = list,
    reserve_gb: float = 0,
    **claims: object,
) -> DiskQuota:
    limits = Settings(disk_limit_gb=segments * SIZE_BYTES / 1e9, disk_reserve_gb=reserve_gb)
    all_claims = Claims(clip_ranges=clip_ranges, **claims)  # type: ignore[arg-type]
    return DiskQuota(Ledger(recordings), limits, ManualClock(), all_claims)


def _camera(camera_id: str, class_: str = "A", **keys: object) -> Camera:
    place = {
        "name": camera_id,
        "area": "a",
        "location": {"lon": 0, "lat": 0},
        "url": "rtsp://10.0.0.1/",
    }
    return Camera.model_validate({"id": camera_id, "class": class_, **place, **keys})


def _range(camera_id: str, number: int) -> tuple[str, int, int]:
    """A moment in the middle of a segment."""
    start_ns = (START_MS + number * 10_000 + 4_000) * NS_PER_MS
    return camera_id, start_ns, start_ns + 1_000 * NS_PER_MS


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Two cameras, five segments each, with starts that alternate."""
    for number in range(10):
        _segment(tmp_path, "ab"[number % 2], number)
    return tmp_path


def test_within_its_limit_nothing_goes(recordings: Path) -> None:
    assert _bound(recordings, 10).run_once() == 0
    assert len(_left(recordings)) == 10


def test_of_cameras_that_matter_alike_the_oldest_go_first(recordings: Path) -> None:
    counted = {"camera": "a", "reason": "early"}
    before = REGISTRY.get_sample_value("sightline_segments_evicted_total", counted) or 0
    bound = _bound(recordings, 6.5)
    assert bound.run_once() == 4 * SIZE_BYTES
    assert _left(recordings) == [("ab"[number % 2], number) for number in range(4, 10)]
    assert REGISTRY.get_sample_value("sightline_segments_evicted_total", counted) == before + 2
    assert bound.run_once() == 0
    _segment(recordings, "a", 10)
    assert bound.run_once() == SIZE_BYTES


def test_what_a_clip_needs_is_passed_over(recordings: Path) -> None:
    asked: Asked = [
        _range("a", 0),
        _range("b", 1),
        _range("b", 2),
    ]  # b has nothing at 2: a's there is not protected by it
    _bound(recordings, 8, lambda: asked).run_once()
    assert _left(recordings) == [("ab"[number % 2], number) for number in (0, 1, 4, 5, 6, 7, 8, 9)]


def test_where_nothing_else_is_left_even_that_goes_and_loudly(
    recordings: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked: Asked = [_range("ab"[number % 2], number) for number in range(10)]
    _bound(recordings, 8, lambda: asked).run_once()
    assert _left(recordings) == [("ab"[number % 2], number) for number in range(2, 10)]
    assert [record.levelno for record in caplog.records] == [logging.CRITICAL]
    assert "a clip is still to be cut" in caplog.text


def test_a_reserve_that_others_have_eaten_into_costs_no_clip(recordings: Path) -> None:
    """What clips need goes only where less than a tenth of the reserve is free."""
    free_gb = shutil.disk_usage(recordings).free / 1e9
    asked: Asked = [_range("a", 8), _range("b", 9)]
    _bound(recordings, 1_000, lambda: asked, reserve_gb=free_gb * 2).run_once()
    assert _left(recordings) == [("a", 8), ("b", 9)]
    _bound(recordings, 1_000, lambda: asked, reserve_gb=free_gb * 20).run_once()
    assert _left(recordings) == []


def test_what_is_being_written_is_counted_and_never_deleted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        _segment(tmp_path, "a", number, is_open=True)
    _segment(tmp_path, "a", 3)
    assert _bound(tmp_path, 1).run_once() == SIZE_BYTES
    assert len(Ledger(tmp_path).open_segments("a")) == 3
    assert "too full" in caplog.text


def test_free_space_below_the_reserve_counts_as_too_much(recordings: Path) -> None:
    assert _bound(recordings, 1_000, reserve_gb=1e9).run_once() == 10 * SIZE_BYTES
    assert _left(recordings) == []


def test_a_folder_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    assert _bound(tmp_path / "recordings", 1).run_once() == 0


def test_a_disk_that_refuses_is_reported_and_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "recordings").write_text("a file where a folder should be")
    assert _bound(tmp_path / "recordings", 1).run_once() == 0
    assert "cannot be kept within their limit" in caplog.text


def _put_a_folder_in_place_of(segment: Segment) -> None:
    """No file can be deleted that is a folder: the kernel refuses it, as a damaged disk does."""
    segment.path.unlink()
    segment.path.mkdir()


def test_a_file_that_cannot_be_deleted_delays_no_other(
    recordings: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _put_a_folder_in_place_of(next(Ledger(recordings).oldest_first()))
    bound = _bound(recordings, 10)
    bound.run_once()
    assert _left(recordings)[:1] == [("a", 0)]
    assert ("b", 1) not in _left(recordings)
    assert "other recordings are deleted instead" in caplog.text
    _segment(recordings, "a", 10)
    assert bound.run_once() == SIZE_BYTES


def test_a_camera_whose_files_cannot_be_deleted_delays_no_other(recordings: Path) -> None:
    """Its folders may belong to another user."""
    for number in range(20, 20 + 2 * MOST_REFUSED):
        _segment(recordings, "a", number)
    for segment in tuple(Ledger(recordings).oldest_first(["a"])):
        _put_a_folder_in_place_of(segment)
    bound = _bound(recordings, 10)
    bound.run_once()
    assert {camera for camera, _ in _left(recordings)} == {"a"}
    assert len(bound._refused) == MOST_REFUSED_OF_CAMERA


@pytest.mark.parametrize("unreadable", ["the camera", "its day"])
def test_a_folder_that_cannot_be_read_delays_no_other(
    recordings: Path, monkeypatch: pytest.MonkeyPatch, unreadable: str
) -> None:
    day = next(Ledger(recordings).oldest_first(["a"])).path.parent
    folder = day.parent if unreadable == "the camera" else day
    listed, listdir = list[str](), os.listdir

    def fails_at_times(path: str | Path) -> list[str]:
        listed.append(str(path))
        if str(path) == str(folder):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return listdir(path)

    before = _left(recordings)
    monkeypatch.setattr(os, "listdir", fails_at_times)
    assert _bound(recordings, 0.5).run_once()
    monkeypatch.undo()
    assert str(folder) in listed
    assert _left(recordings) == [one for one in before if one[0] == "a"]


def test_a_disk_that_refuses_every_deletion_is_not_tried_for_each_file(tmp_path: Path) -> None:
    alarms: dict[AlarmName, str] = {}
    for number in range(MOST_REFUSED + 5):
        _segment(tmp_path, "a", number)
    for segment in tuple(Ledger(tmp_path).oldest_first()):
        _put_a_folder_in_place_of(segment)
    bound = _bound(tmp_path, 1, set_alarm=lambda name, text: alarms.update({name: str(text)}))
    for _ in range(3):
        assert bound.run_once() == 0
        assert "cannot be deleted" in alarms[AlarmName.DISK_FULL]
        assert len(bound._refused) <= MOST_REFUSED + 2


def _hold(camera_id: str, first: int, last: int) -> Hold:
    """From the middle of segment number `first` to that of `last`."""
    from_ns, to_ns = _range(camera_id, first)[1], _range(camera_id, last)[2]
    return Hold.model_validate(
        {
            "id": "h",
            "camera": camera_id,
            "from": from_ns,
            "to": to_ns,
            "reason": "a case",
            "placed_by": "li",
            "placed_at": from_ns,
        }
    )


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (_camera("a", "C"), _camera("b", "B")),
        (_camera("a", "B", checkpoint=["plate"]), _camera("b", "A")),
        (_camera("a", "A"), _camera("b", "A", checkpoint=["face"])),
        (_camera("a", "A", priority=3), _camera("b", "A", priority=4)),
        (None, _camera("b", "C")),
    ],
)
def test_the_less_important_camera_gives_way_first(
    recordings: Path, a: Camera | None, b: Camera
) -> None:
    cameras = [b] if a is None else [b, a]
    _bound(recordings, 4, cameras=lambda: cameras).run_once()
    assert _left(recordings) == [("b", number) for number in (3, 5, 7, 9)]


def test_copies_that_are_uploaded_go_before_all_others_once_the_store_says_so_again(
    recordings: Path,
) -> None:
    cameras = [_camera("a", "C"), _camera("b", "A")]
    asked: list[int] = []

    def is_uploaded(segment: Segment) -> bool:
        asked.append(segment.start_ms)
        return segment.start_ms != START_MS + 30_000

    bound = _bound(
        recordings,
        8,
        cameras=lambda: cameras,
        seems_uploaded=lambda s: s.camera_id == "b",
        is_uploaded=is_uploaded,
    )
    bound.run_once()
    assert _left(recordings) == [("ab"[number % 2], number) for number in (0, 2, 3, 4, 6, 7, 8, 9)]
    assert asked == [START_MS + number * 10_000 for number in (1, 3, 5)]


def test_what_is_past_its_minimum_goes_before_what_is_not(tmp_path: Path) -> None:
    for number in (-30 * 8640, -9 * 8640, -8 * 8640, -1):
        _segment(tmp_path, "a", number)
        _segment(tmp_path, "b", number)
    cameras = [_camera("a", "C", retention_days=20), _camera("b", "A", retention_days=7)]
    said: dict[AlarmName, str | None] = {}
    bound = _bound(tmp_path, 5, cameras=lambda: cameras, set_alarm=said.__setitem__)
    bound.run_once()
    assert _left(tmp_path) == [
        ("a", -9 * 8640),
        ("a", -8 * 8640),
        ("b", -8 * 8640),
        ("a", -1),
        ("b", -1),
    ]
    assert said == {AlarmName.DISK_FULL: None, AlarmName.DISK_HELD: None}
    _bound(tmp_path, 3, cameras=lambda: cameras, set_alarm=said.__setitem__).run_once()
    assert "younger than their `retention_days`" in (said[AlarmName.DISK_FULL] or "")


def test_held_recordings_stay_and_an_alarm_says_so(recordings: Path) -> None:
    holds = [_hold("a", 2, 6), _hold("b", 1, 9)]
    said: dict[AlarmName, str | None] = {}
    asked: Asked = [_range("a", 8)]
    bound = _bound(
        recordings,
        0.5,
        lambda: asked,
        held=lambda: StandingHolds(holds, START_MS * NS_PER_MS),
        set_alarm=said.__setitem__,
    )
    bound.run_once()
    assert _left(recordings) == [("ab"[number % 2], number) for number in (1, 2, 3, 4, 5, 6, 7, 9)]
    assert "legal holds" in (said[AlarmName.DISK_HELD] or "")
    for segment in list(Ledger(recordings).oldest_first()):
        segment.path.unlink()
    bound.run_once()
    assert said[AlarmName.DISK_HELD] is None


def test_nothing_is_deleted_while_the_holds_are_unknown(recordings: Path) -> None:
    def held() -> StandingHolds:
        raise StoreError("the legal holds cannot be read")

    said: dict[AlarmName, str | None] = {}
    assert _bound(recordings, 1, held=held, set_alarm=said.__setitem__).run_once() == 0
    assert len(_left(recordings)) == 10
    assert "cannot be read" in (said[AlarmName.DISK_FULL] or "")


def test_a_damaged_hold_leaves_the_others_in_force_on_a_full_disk(
    recordings: Path, objects: ObjectStore, clock: ManualClock
) -> None:
    """The hold that was placed after the damaged one used to protect nothing."""
    holds = Holds(objects, clock)
    before = _hold("a", 2, 3)
    after = _hold("b", 5, 6).model_copy(update={"id": "20251009-00000001"})
    holds.place(before)
    objects.put(hold_object("20251009-0bad0bad", 1), b"{", "application/json")
    holds.place(after)
    node = NodeHolds(Holds(objects, clock), recordings / "holds.json", clock)
    _bound(recordings, 0.5, held=node.held).run_once()
    assert _left(recordings) == [("a", 2), ("b", 5)]
