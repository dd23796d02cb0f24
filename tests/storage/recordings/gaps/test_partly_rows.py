"""Ranges that were analysed only partly are in the gap logs, and change nothing about gaps."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.clock import NS_PER_DAY, NS_PER_S, ManualClock
from domain.paths.data_layout import Layout
from domain.recordings.gaps import Gap, GapCause
from domain.recordings.partly_analysed import Analysed, PartlyAnalysed, PartlyCause
from storage.recordings.gaps.day_log import DayLog, read_day, readable
from storage.recordings.gaps.log import GapLog
from storage.recordings.gaps.partly_rows import (
    again_line,
    parse_again,
    parse_partly,
    partly_line,
)
from storage.recordings.recorded_ranges import merge

NOON_NS = 20_000 * NS_PER_DAY - NS_PER_DAY // 2


def partly(
    start_s: float, end_s: float, cause: PartlyCause = PartlyCause.OVERLOAD
) -> PartlyAnalysed:
    return PartlyAnalysed(
        NOON_NS + round(start_s * NS_PER_S), NOON_NS + round(end_s * NS_PER_S), cause
    )


@pytest.fixture
def log(tmp_path: Path) -> GapLog:
    return GapLog(Layout(tmp_path), ManualClock(NOON_NS))


def test_what_is_logged_is_read_by_other_processes_and_cut_to_nothing_else(
    log: GapLog, tmp_path: Path
) -> None:
    ranges = [partly(1, 3), partly(5, 7), partly(8, 9, PartlyCause.DECODER)]
    log.add_partly_analysed("cam", ranges)
    other = GapLog(Layout(tmp_path), ManualClock(NOON_NS))
    assert list(other.partly_analysed("cam", NOON_NS, NOON_NS + NS_PER_DAY)) == ranges
    assert other.partly_analysed("cam", ranges[0].end_ns, ranges[1].start_ns) == ()
    assert other.partly_analysed("another", NOON_NS, NOON_NS + NS_PER_DAY) == ()


def test_a_range_over_midnight_is_in_the_logs_of_both_days(log: GapLog) -> None:
    midnight_s = NS_PER_DAY // 2 / NS_PER_S
    log.add_partly_analysed("cam", [partly(midnight_s - 1, midnight_s + 1)])
    assert list(log.days("cam")) == ["20241003", "20241004"]
    found = log.partly_analysed("cam", NOON_NS, NOON_NS + 2 * NS_PER_DAY)
    assert found == (partly(midnight_s - 1, midnight_s), partly(midnight_s, midnight_s + 1))


def test_a_gap_that_continues_is_not_ended_by_a_range_that_was_analysed_partly(
    log: GapLog,
) -> None:
    gap = Gap("cam", NOON_NS, NOON_NS + NS_PER_S, GapCause.NETWORK)
    log.open(gap)
    log.add_partly_analysed("cam", [partly(0.2, 0.4)])
    left = log.left_open("cam")
    assert left is not None
    assert left.cause is GapCause.NETWORK


def test_such_lines_are_uploaded_and_are_no_damage(log: GapLog) -> None:
    line = partly_line(PartlyCause.OVERLOAD, [partly(1, 2)]) + b"\n"
    assert read_day(line, "test") == (DayLog(partly=[partly(1, 2)]), 0)
    assert readable(line + b"torn\n") == line


def test_a_cause_of_a_newer_version_counts_as_unknown() -> None:
    line = partly_line(PartlyCause.OVERLOAD, [partly(1, 2)]).replace(b"overload", b"eclipse")
    assert parse_partly(line) == (partly(1, 2, PartlyCause.UNKNOWN),)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[1]",
        b'{"partly_analysed": "overload"}',
        b'{"ranges": [[1, 2]]}',
        b"\xff",
        b'{"partly_analysed": "overload", "ranges": [[1, Infinity]]}',
        b'{"partly_analysed": ' + 100_000 * b"[",
    ],
)
def test_other_lines_have_no_ranges(line: bytes) -> None:
    assert parse_partly(line) is None


def test_ranges_that_were_analysed_again_are_read_back_and_are_no_gap(log: GapLog) -> None:
    midnight_s = NS_PER_DAY // 2 / NS_PER_S
    again = [Analysed(*partly(start_s, start_s + 2)[:2]) for start_s in (1, midnight_s - 1)]
    log.add_partly_analysed("cam", [partly(1, 3)])
    log.add_analysed_again("cam", again)
    found = log.analysed_again("cam", NOON_NS, NOON_NS + 2 * NS_PER_DAY)
    assert found[0] == again[0]
    assert merge(found) == merge(again)
    assert log.between("cam", NOON_NS, NOON_NS + NS_PER_DAY) == ()
    assert log.partly_analysed("cam", NOON_NS, NOON_NS + NS_PER_DAY) == (partly(1, 3),)


def test_lines_of_a_reanalysis_are_uploaded_and_are_no_damage() -> None:
    line = again_line([Analysed(*partly(1, 2)[:2])]) + b"\n"
    assert read_day(line, "test") == (DayLog(again=[Analysed(*partly(1, 2)[:2])]), 0)
    assert readable(line + b"torn\n") == line


@pytest.mark.parametrize("line", [b"", b"{}", b'{"analysed_again": 3}', b'{"analysed_again": [1]}'])
def test_other_lines_are_none_of_a_reanalysis(line: bytes) -> None:
    assert parse_again(line) is None
