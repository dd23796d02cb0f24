"""Held recordings fill a disk: the least important cameras are shed, and restored later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from domain.alarms import AlarmName
from domain.clock import NS_PER_MS, NS_PER_S, ManualClock
from domain.errors import StoreError
from domain.paths.data_layout import Layout
from domain.paths.object_keys import day_of
from domain.paths.segment_name import SegmentName
from domain.recordings.gaps import GapCause
from domain.recordings.holds import Hold, StandingHolds
from domain.settings import Settings
from ingest.recording.segments import Segments
from sightline.jobs.disk_quota_job import DiskQuotaJob
from sightline.overload.shedding import Shedding, shed_of_node
from storage.events.spool import Spool
from storage.recordings.disk_quota import Claims, DiskQuota
from storage.recordings.free_space_reserve import events_bytes, free_bytes
from storage.recordings.ledger import Ledger
from tests.kept import make_event, make_passing
from tests.recorded import PLAIN, START_NS, packets_of
from tests.sightline.overload.test_shedding_policy import CAMERAS
from tests.small_disk import small_disk

MIB = 1 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", 8) as folder:
        yield folder


def _held_file(layout: Layout, free: int) -> Path:
    """Write a held recording that leaves so much free space."""
    name = SegmentName("held", START_NS // NS_PER_MS, 10_000, 1)
    folder = layout.recordings / "held" / day_of(name.start_ns)
    folder.mkdir(parents=True)
    (folder / name.file_name).write_bytes(bytes(free_bytes(layout.root) - free))
    return folder / name.file_name


def _hold(camera_id: str) -> Hold:
    return Hold.model_validate(
        {
            "id": "h1",
            "camera": camera_id,
            "from": 0,
            "to": 2 * START_NS,
            "reason": "court",
            "placed_by": "li",
            "placed_at": 0,
        }
    )


@pytest.mark.parametrize("reserve_gb", [0.002, 0.004, 0.006])
@pytest.mark.parametrize("spare_kib", [0, 5, 64, 500])
def test_recorders_leave_room_for_events_however_much_there_is_to_record(
    disk: Path, reserve_gb: float, spare_kib: int
) -> None:
    layout, settings = Layout(disk), Settings(disk_reserve_gb=reserve_gb)
    left = events_bytes(settings)
    held = _held_file(layout, left + spare_kib * 1024)
    sentences: list[str] = []
    holes: list[tuple[int, int, GapCause | None]] = []
    segments = Segments(
        "cam-1",
        layout.recordings_of("cam-1"),
        lambda: 1,
        2,
        sentences.append,
        lambda *hole: holes.append(hole),
        left,
    )
    minute = 0
    while not sentences:
        segments.write(packets_of(PLAIN, START_NS + minute * 60 * NS_PER_S))
        minute += 1
    segments.write(packets_of(PLAIN, START_NS + minute * 60 * NS_PER_S))
    segments.close()
    assert "for events" in sentences[-1]
    assert free_bytes(disk) >= left - 4 * 4096, "a page or two for names and the ends of files"
    Spool(layout, ManualClock(START_NS)).put(make_passing(make_event(), bytes(left // 4)))
    held.unlink()
    holes.clear()
    end_ns = START_NS + (minute + 1) * 60 * NS_PER_S
    segments.write(packets_of(PLAIN, end_ns))
    segments.close()
    assert segments.recorded_until_ns > end_ns
    assert [cause for _, _, cause in holes] == [GapCause.DISK]


def test_without_the_rule_the_disk_would_refuse_events(disk: Path) -> None:
    layout = Layout(disk)
    _held_file(layout, 64 << 10)
    sentences: list[str] = []
    segments = Segments(
        "cam-1", layout.recordings_of("cam-1"), lambda: 1, 2, sentences.append, lambda *_: None
    )
    minute = 0
    while not sentences:
        segments.write(packets_of(PLAIN, START_NS + minute * 60 * NS_PER_S))
        minute += 1
    segments.close()
    with pytest.raises(StoreError):
        Spool(layout, ManualClock(START_NS)).put(make_passing(make_event(), bytes(64 << 10)))


@pytest.fixture
def pass_time(disk: Path) -> Callable[[DiskQuota, int], list[str]]:
    """Run disk quota and load shedding for so many seconds; return the shed cameras in order."""
    layout, clock, gone = Layout(disk), ManualClock(START_NS), list[str]()
    known: dict[DiskQuota, DiskQuotaJob] = {}
    due_s = 0.0
    shedding = Shedding(layout, lambda: CAMERAS, clock)

    def passed(bound: DiskQuota, seconds: int) -> list[str]:
        nonlocal due_s
        rounds = known.setdefault(bound, DiskQuotaJob(bound, layout, clock))
        for _ in range(seconds):
            clock.advance(1)
            if clock.monotonic_s() >= due_s:
                due_s = clock.monotonic_s() + rounds.run_once()
            shedding.run_once()
            shed = shed_of_node(layout)
            gone[:] = [name for name in gone if name in shed] + [
                name for name in shed if name not in gone
            ]
        return gone

    return passed


def test_cameras_are_given_up_in_order_and_come_back_when_the_hold_is_released(
    disk: Path, pass_time: Callable[[DiskQuota, int], list[str]]
) -> None:
    layout, said = Layout(disk), dict[AlarmName, str | None]()
    _held_file(layout, MIB)
    held = [_hold("held")]
    claims = Claims(held=lambda: StandingHolds(held, START_NS), set_alarm=said.__setitem__)
    bound = DiskQuota(
        Ledger(layout.recordings),
        Settings(disk_limit_gb=1, disk_reserve_gb=0.004),
        ManualClock(START_NS),
        claims,
    )
    assert pass_time(bound, 17) == ["c-low", "c-high"]
    assert pass_time(bound, 60) == ["c-low", "c-high", "b", "b-gate", "a", "a-gate"]
    assert "legal holds" in (said[AlarmName.DISK_HELD] or "")
    assert "least important first" in (said[AlarmName.DISK_FULL] or "")
    held.clear()
    assert pass_time(bound, 300) == []
    assert said[AlarmName.DISK_HELD] is None


def test_no_camera_is_shed_while_recordings_may_be_deleted(
    disk: Path, pass_time: Callable[[DiskQuota, int], list[str]]
) -> None:
    layout = Layout(disk)
    _held_file(layout, MIB)
    bound = DiskQuota(
        Ledger(layout.recordings),
        Settings(disk_limit_gb=1, disk_reserve_gb=0.004),
        ManualClock(START_NS),
        Claims(),
    )
    assert pass_time(bound, 60) == []
    assert free_bytes(disk) > 7 * MIB


def test_room_from_other_programs_is_used_within_five_seconds(
    disk: Path, pass_time: Callable[[DiskQuota, int], list[str]]
) -> None:
    layout = Layout(disk)
    layout.recordings.mkdir()
    bound = DiskQuota(
        Ledger(layout.recordings),
        Settings(disk_limit_gb=1, disk_reserve_gb=0.004),
        ManualClock(START_NS),
        Claims(),
    )
    for seconds in range(60, 65):
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(free_bytes(disk) - MIB))
        assert pass_time(bound, seconds)
        ballast.unlink()
        assert pass_time(bound, 5) == [], "whenever the rule was last kept"
        pass_time(bound, 60)
