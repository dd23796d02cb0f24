"""The full-disk rule on a disk that really is full: a small tmpfs of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.alarms import AlarmName
from domain.clock import NS_PER_MS, ManualClock
from domain.paths.object_keys import day_of
from domain.paths.segment_name import SegmentName
from domain.settings import Settings
from storage.recordings.disk_quota import EARLY_ALARM_S, Claims, DiskQuota
from storage.recordings.ledger import Ledger
from tests.small_disk import small_disk

START_MS = 1_760_000_000_000
SEGMENT_BYTES = 256 << 10


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """8 MiB, and no more."""
    with small_disk(tmp_path / "disk", 8) as folder:
        yield folder


def _record(recordings: Path, number: int) -> None:
    name = SegmentName("gate", START_MS + number * 10_000, 10_000, 1)
    folder = recordings / "gate" / day_of(name.start_ns)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name.file_name).write_bytes(b"x" * SEGMENT_BYTES)


def test_a_disk_filled_by_another_program_is_recorded_on_again_by_the_next_run(disk: Path) -> None:
    said: dict[AlarmName, str | None] = {}
    clock = ManualClock(START_MS * NS_PER_MS)
    recordings = disk / "recordings"
    bound = DiskQuota(
        Ledger(recordings),
        Settings(disk_limit_gb=1, disk_reserve_gb=0.002),
        clock,
        Claims(set_alarm=said.__setitem__),
    )
    for number in range(20):
        _record(recordings, number)
    assert bound.run_once() == 0
    with pytest.raises(OSError, match="No space"):
        (disk / "foreign").write_bytes(b"x" * (8 << 20))
    assert bound.run_once() >= 1_900_000
    assert shutil.disk_usage(disk).free >= 2_000_000
    _record(recordings, 20)
    assert "younger" in (said[AlarmName.DISK_FULL] or "")
    (disk / "foreign").unlink()
    clock.advance(EARLY_ALARM_S)
    assert bound.run_once() == 0
    assert said[AlarmName.DISK_FULL] is None
