"""What is recorded, from names: against looking at every moment, and a month of them in time."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import NS_PER_DAY, NS_PER_MS, NS_PER_S, S_PER_DAY
from domain.paths.object_keys import day_of
from domain.paths.segment_name import SegmentName
from storage.recordings.ledger import Ledger, parse_segment
from storage.recordings.recorded_ranges import JOIN_NS, LEAST_BYTES, RecordedRanges, clip, merge
from tests.small_disk import disk_takes

START_NS = 1_764_000_000 * NS_PER_S
RANGES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=12)


@given(RANGES)
def test_merged_ranges_are_those_moments_and_the_little_between_them(
    seconds: list[tuple[int, int]],
) -> None:
    ranges = [(start * NS_PER_S // 2, end * NS_PER_S // 2) for start, end in seconds]
    merged = merge(ranges)
    assert all(start < end for start, end in merged)
    assert all(after[0] - before[1] > JOIN_NS for before, after in itertools.pairwise(merged))
    for moment in range(0, 20 * NS_PER_S, NS_PER_S // 2):
        if any(start <= moment < end for start, end in ranges):
            assert any(start <= moment < end for start, end in merged)
    edges = {edge for pair in ranges for edge in pair}
    assert {edge for pair in merged for edge in pair} <= edges


@given(RANGES)
def test_ranges_that_are_merged_without_a_distance_have_the_same_moments(
    ranges: list[tuple[int, int]],
) -> None:
    merged = merge(ranges, within_ns=0)
    moments = {moment for start, end in ranges for moment in range(start, end)}
    assert {moment for start, end in merged for moment in range(start, end)} == moments
    assert all(before[1] < after[0] for before, after in itertools.pairwise(merged))


@given(RANGES, st.integers(0, 40), st.integers(0, 40))
def test_clipped_ranges_lie_within(ranges: list[tuple[int, int]], start: int, end: int) -> None:
    for moment in range(40):
        inside = start <= moment < end and any(a <= moment < b for a, b in ranges)
        assert any(a <= moment < b for a, b in clip(ranges, start, end)) is inside


def touch(
    recordings: Path, start_s: float, seconds: float, camera: str = "cam", suffix: str = ""
) -> Path:
    name = SegmentName(
        camera, round((START_NS / NS_PER_S + start_s) * 1000), round(seconds * 1000), 1
    )
    path = recordings / camera / day_of(name.start_ns) / (name.file_name + suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(LEAST_BYTES))
    return path


def seconds(ranges: list[tuple[int, int]]) -> list[tuple[float, float]]:
    return [((start - START_NS) / NS_PER_S, (end - START_NS) / NS_PER_S) for start, end in ranges]


def test_segments_are_found_over_midnight_and_only_finished_ones(tmp_path: Path) -> None:
    to_midnight = S_PER_DAY - START_NS // NS_PER_S % S_PER_DAY
    touch(tmp_path, to_midnight - 5, 10)
    touch(tmp_path, to_midnight + 5, 10)
    touch(tmp_path, to_midnight + 90, 10)
    touch(tmp_path, to_midnight + 200, 10, suffix=".part")
    (tmp_path / "cam" / day_of(START_NS) / "cam_1_open_1.mp4").touch()
    recorded = RecordedRanges(tmp_path)
    found = recorded.ranges("cam", START_NS, START_NS + 2 * NS_PER_DAY)
    assert seconds(found) == [
        (to_midnight - 5, to_midnight + 15),
        (to_midnight + 90, to_midnight + 100),
    ]
    assert recorded.bounds("cam") == (found[0][0], found[-1][1])
    assert (recorded.ranges("other", 0, START_NS), recorded.bounds("other")) == ([], None)


def test_a_folder_that_changed_is_read_again(tmp_path: Path) -> None:
    recorded = RecordedRanges(tmp_path)
    first = touch(tmp_path, 0, 10)
    assert seconds(recorded.ranges("cam", 0, 2 * START_NS)) == [(0, 10)]
    touch(tmp_path, 10, 10)
    assert seconds(recorded.ranges("cam", 0, 2 * START_NS)) == [(0, 20)]
    first.unlink()
    assert seconds(recorded.ranges("cam", 0, 2 * START_NS)) == [(10, 20)]


def test_what_was_deleted_is_remembered(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    assert ledger.deleted("cam") is None
    for start_s in (10, 0):
        segment = parse_segment(touch(tmp_path, start_s, 10))
        assert segment is not None
        ledger.remove(segment)
    assert ledger.deleted("cam") == (START_NS, START_NS + 20 * NS_PER_S)


def test_a_full_disk_does_not_lose_what_was_deleted_before(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    first, second = (parse_segment(touch(tmp_path, start_s, 10)) for start_s in (0, 10))
    assert first is not None
    assert second is not None
    ledger.remove(first)
    with disk_takes(0):
        ledger.remove(second)
    assert ledger.deleted("cam") == (START_NS, START_NS + 10 * NS_PER_S)


def test_a_month_of_names_is_one_range(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.write_bytes(bytes(LEAST_BYTES))
    for at in range(26_000):
        start_ms = START_NS // NS_PER_MS + at * 10_000
        folder = tmp_path / "cam" / day_of(start_ms * NS_PER_MS)
        if at % 1000 == 0 or not folder.exists():
            folder.mkdir(parents=True, exist_ok=True)
        (folder / f"cam_{start_ms}_10000_1.mp4").hardlink_to(whole)
    found = RecordedRanges(tmp_path).ranges("cam", START_NS, START_NS + 40 * NS_PER_DAY)
    assert found == [(START_NS, START_NS + 260_000 * NS_PER_S)]


def test_a_file_that_holds_no_picture_is_not_recorded(tmp_path: Path) -> None:
    recorded = RecordedRanges(tmp_path)
    paths = [touch(tmp_path, start_s, 10) for start_s in (0, 10, 20, 30)]
    paths[1].write_bytes(b"")
    paths[2].write_bytes(bytes(LEAST_BYTES - 1))
    assert seconds(recorded.ranges("cam", 0, 2 * START_NS)) == [(0, 10), (30, 40)]
    empty = recorded.empty("cam", START_NS + 12 * NS_PER_S, START_NS + 18 * NS_PER_S)
    assert list(empty) == [paths[1].name]
    paths[1].unlink()
    touch(tmp_path, 40, 10)
    assert list(recorded.empty("cam", 0, 2 * START_NS)) == [paths[2].name]
    paths[2].unlink()
    touch(tmp_path, 20, 10)
    assert seconds(recorded.ranges("cam", 0, 2 * START_NS)) == [(0, 10), (20, 50)]
    assert recorded.empty("cam", 0, 2 * START_NS) == {}


def test_sizes_are_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day's folder changes with each segment, and has thousands."""
    looked: list[str] = []
    recorded = RecordedRanges(tmp_path)

    def counted(segment: Path) -> bool:
        looked.append(segment.name)
        return True

    monkeypatch.setattr("storage.recordings.recorded_ranges.holds_pictures", counted)
    names = []
    for start_s in (0, 10, 20):
        names.append(touch(tmp_path, start_s, 10).name)
        recorded.ranges("cam", 0, 2 * START_NS)
    assert looked == names
