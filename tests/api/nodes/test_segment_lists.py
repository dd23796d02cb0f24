"""Lists of segments: what is written is read, and impossible numbers are refused."""

from __future__ import annotations

import pytest

from api.nodes.segment_lists import (
    BEING_WRITTEN,
    NO_HEAD,
    Head,
    SegmentList,
    SegmentRow,
    packed,
    read_list,
    read_rows,
    write_list,
)
from domain.clock import MS_PER_HOUR, NS_PER_MS
from domain.errors import DataLoss
from domain.paths.segment_name import MAX_FENCE

START_MS = 490_000 * MS_PER_HOUR


def row(start_ms: int = START_MS, **changes: int) -> SegmentRow:
    whole = SegmentRow(start_ms, 10_000, 1, 0, 5000, 7, 0, 2**64 - 1)
    return whole._replace(**changes)


def test_a_list_is_read_by_the_hour_as_it_was_written() -> None:
    rows = [row(START_MS + second * 1000) for second in range(0, 7300, 10)]
    written = SegmentList("camera", (Head("abc", "video/mp4"),), packed(rows))
    found = read_list(write_list(written))
    assert found == written
    hours = [read_rows(hour, 1) for hour in found.hours()]
    assert [len(hour) for hour in hours] == [360, 360, 10]
    assert [one for hour in hours for one in hour] == rows


def test_the_end_is_that_of_the_name_or_of_what_is_written() -> None:
    assert row().end_ns == (START_MS + 10_000) * NS_PER_MS
    written_ns = START_MS * NS_PER_MS + 5
    assert row(duration_ms=BEING_WRITTEN, written_ns=written_ns).end_ns == written_ns


def test_an_empty_list_has_no_hours() -> None:
    assert list(read_list(write_list(SegmentList("camera", (), b""))).hours()) == []


def test_names_are_those_of_the_files() -> None:
    assert row().file_name("a_b") == f"a_b_{START_MS}_10000_1.mp4"
    assert row(duration_ms=BEING_WRITTEN).file_name("a_b") == f"a_b_{START_MS}_open_1.mp4"


@pytest.mark.parametrize(
    "changes",
    [
        {"start_ms": -1},
        {"duration_ms": -2},
        {"duration_ms": 2**62},
        {"fence": -1},
        {"duration_ms": 0},
        {"duration_ms": BEING_WRITTEN},
        {"duration_ms": BEING_WRITTEN, "written_ns": START_MS * NS_PER_MS},
        {"written_ns": START_MS * NS_PER_MS + 1},
        {"written_ns": -1},
        {"size_bytes": -1},
        {"modified_ns": -1},
        {"head": 1},
        {"head": NO_HEAD - 1},
    ],
)
def test_impossible_numbers_are_refused(changes: dict[str, int]) -> None:
    assert read_rows(packed([row(fence=MAX_FENCE, head=NO_HEAD)]), 0)
    with pytest.raises(DataLoss, match="impossible"):
        read_rows(packed([row(), row(**changes)]), 1)


@pytest.mark.parametrize(
    "data", [b"", b"[]", write_list(SegmentList("c", (), b""))[:-1], b"\0\0\0\x08info"]
)
def test_another_answer_is_refused(data: bytes) -> None:
    with pytest.raises(DataLoss):
        read_list(data)


def test_a_truncated_list_is_refused() -> None:
    with pytest.raises(DataLoss, match="truncated"):
        read_list(write_list(SegmentList("c", (), packed([row()])[:-1])))
