"""What triggers keep: pure ranges by property, and the log through torn lines, other processes
and days.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import NS_PER_DAY, NS_PER_S, S_PER_DAY
from domain.errors import StoreError
from domain.paths.data_layout import Layout
from domain.recordings.triggers import Trigger
from domain.settings import Settings
from storage.recordings.recorded_ranges import merge
from storage.recordings.trigger_log import TriggerLog, is_kept
from tests.storage.rewritten_files import REWRITES, Rewrite

START_NS = 1_764_000_000 * NS_PER_S
CAMERA = "gate"

ranges = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12)


@given(ranges, st.integers(0, 60), st.integers(1, 20))
def test_a_segment_is_kept_when_it_shares_a_moment(
    given_ranges: list[tuple[int, int]], start: int, length: int
) -> None:
    moments = {
        moment
        for range_start, range_end in given_ranges
        for moment in range(range_start, range_end)
    }
    assert is_kept(start, start + length, merge(given_ranges, 0)) == bool(
        moments & set(range(start, start + length))
    )


def log_in(folder: Path) -> TriggerLog:
    return TriggerLog(Layout(folder), Settings(trigger_before_s=5, trigger_after_s=10))


def at(from_s: float, to_s: float, reason: str = "") -> Trigger:
    return Trigger(
        CAMERA,
        "api",
        START_NS + round(from_s * NS_PER_S),
        START_NS + round(to_s * NS_PER_S),
        reason,
    )


def kept_s(log: TriggerLog, from_s: float, to_s: float) -> list[tuple[float, float]]:
    found = log.kept_ranges(
        CAMERA, START_NS + round(from_s * NS_PER_S), START_NS + round(to_s * NS_PER_S)
    )
    return [((start - START_NS) / NS_PER_S, (end - START_NS) / NS_PER_S) for start, end in found]


def test_a_trigger_keeps_the_seconds_before_and_after_it(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    log.add(at(100, 110))
    log.add(at(120, 121, "撞车"))
    log.add(at(300, 300), durable=False)
    assert kept_s(log, 0, 1000) == [(95, 131), (295, 310)]
    assert kept_s(log, 97, 130) == [(97, 130)]
    assert kept_s(log, 131, 295) == []
    assert kept_s(log, 305, 306) == [(305, 306)]
    assert [trigger.reason for trigger in log.between(CAMERA, START_NS, START_NS + NS_PER_DAY)] == [
        "",
        "撞车",
        "",
    ]
    assert log.kept_ranges("other", 0, START_NS * 2) == ()


def test_what_one_process_logs_others_read_at_once(tmp_path: Path) -> None:
    writer, reader = log_in(tmp_path), log_in(tmp_path)
    assert kept_s(reader, 0, 1000) == []
    for number in range(3):
        writer.add(at(100 * number, 100 * number + 1))
        assert len(kept_s(reader, 0, 1000)) == number + 1


def test_a_trigger_over_midnight_is_found_from_both_days(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    midnight_ns = (START_NS // NS_PER_DAY + 1) * NS_PER_DAY
    log.add(
        Trigger(
            CAMERA,
            "motion",
            midnight_ns - NS_PER_DAY // 2,
            midnight_ns + NS_PER_DAY // 2 - NS_PER_S,
        )
    )
    assert log.kept_ranges(CAMERA, midnight_ns, midnight_ns + NS_PER_S) == (
        (midnight_ns, midnight_ns + NS_PER_S),
    )


@pytest.mark.parametrize(
    "torn",
    [b'{"source": "mo', b"\x00\x00\x00", b"[]", b'{"source": "wind", "start_ns": 1, "end_ns": 2}'],
)
def test_a_torn_or_foreign_line_spoils_only_itself(tmp_path: Path, torn: bytes) -> None:
    log = log_in(tmp_path)
    log.add(at(100, 101))
    (file,) = (tmp_path / "triggers" / CAMERA).iterdir()
    with file.open("ab") as lines:
        lines.write(torn)
    assert len(kept_s(log, 0, 1000)) == 1
    log.add(at(500, 501))
    assert kept_s(log, 0, 1000) == [(95, 111), (495, 511)]


def lines_of(folder: Path, *triggers: Trigger) -> list[bytes]:
    """Return the lines that log these triggers."""
    for trigger in triggers:
        log_in(folder).add(trigger)
    (file,) = (folder / "triggers" / CAMERA).iterdir()
    return file.read_bytes().splitlines()


@pytest.mark.parametrize("rewrite", REWRITES, ids=str)
def test_a_day_that_was_cut_or_replaced_is_read_again(tmp_path: Path, rewrite: Rewrite) -> None:
    before, other = [at(100, 101), at(200, 201)], [at(300, 301), at(400, 401), at(500, 501)]
    lines = lines_of(tmp_path / "site", *before)
    reader = log_in(tmp_path / "site")
    assert len(kept_s(reader, 0, 1000)) == 2
    (file,) = (tmp_path / "site" / "triggers" / CAMERA).iterdir()
    after = rewrite.lines(lines, lines_of(tmp_path / "other", *other))
    rewrite.apply(file, after)
    starts_ns = [json.loads(line)["start_ns"] for line in after]
    for _ in range(2):
        found = reader.between(CAMERA, 0, START_NS + NS_PER_DAY)
        assert [trigger.start_ns for trigger in found] == starts_ns


def test_a_day_that_another_process_deleted_begins_again(tmp_path: Path) -> None:
    reader = log_in(tmp_path)
    log_in(tmp_path).add(at(100, 101))
    assert kept_s(reader, 0, 1000) == [(95, 111)]
    log_in(tmp_path).forget_before(CAMERA, START_NS + 3 * NS_PER_DAY)
    assert kept_s(reader, 0, 1000) == []
    log_in(tmp_path).add(at(200, 201, "a longer line than the one that was deleted"))
    assert kept_s(reader, 0, 1000) == [(195, 211)]


def test_days_are_forgotten_once_no_trigger_of_them_can_reach(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    for day in range(4):
        log.add(at(day * S_PER_DAY, day * S_PER_DAY + 1))
    log.forget_before(CAMERA, START_NS + 3 * NS_PER_DAY)
    assert len(log.between(CAMERA, 0, START_NS + 9 * NS_PER_DAY)) == 2


def test_a_disk_that_refuses_is_reported(tmp_path: Path) -> None:
    (tmp_path / "triggers").write_text("in the way")
    with pytest.raises(StoreError, match="a trigger of gate cannot be logged"):
        log_in(tmp_path).add(at(0, 1))


@pytest.mark.parametrize("length_s", [-1, 86_401])
def test_a_trigger_has_a_sensible_length(length_s: int) -> None:
    with pytest.raises(ValueError, match="a trigger lasts"):
        at(0, length_s)
