"""Names of segments are read strictly: each part has a bound, so that each name has a day."""

from __future__ import annotations

import pytest

from domain.clock import S_PER_DAY
from domain.paths.object_keys import day_of, day_start_ns, is_day, segment_object
from domain.paths.segment_name import MAX_FENCE, SegmentName

LAST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999."""


def test_a_name_is_read_as_it_was_written() -> None:
    for name in (SegmentName("gate-1", 0, 1, 0), SegmentName("a_b", LAST_MS - 7, 7, MAX_FENCE)):
        assert SegmentName.parse(name.file_name) == name
        assert segment_object(name).endswith(name.file_name)


@pytest.mark.parametrize(
    "file_name",
    [
        "gate_99999999999999999999_1_1.mp4",
        f"gate_{LAST_MS}_1_1.mp4",
        f"gate_1_{LAST_MS}_1.mp4",
        f"gate_1_1_{MAX_FENCE + 1}.mp4",
        f"gate_{'9' * 5000}_1_1.mp4",
        f"gate_1_{'9' * 5000}_1.mp4",
        f"gate_1_1_{'9' * 5000}.mp4",
        "gate_٣_1_1.mp4",
        "gate_1_1_1.mp4\n",
        "gate_1_-1_1.mp4",
    ],
)
def test_a_name_beyond_the_bounds_is_no_segment(file_name: str) -> None:
    assert SegmentName.parse(file_name) is None


def test_each_moment_has_a_day() -> None:
    last = day_start_ns("99991231")
    assert [day_of(moment) for moment in (-1, 0, last, last + S_PER_DAY * 10**9, 1 << 80)] == [
        "19700101",
        "19700101",
        "99991231",
        "99991231",
        "99991231",
    ]


def test_a_folder_that_is_no_day() -> None:
    assert is_day("20261124")
    for text in ("", "junk", "20261399", "2026112", "20260230", "２０２６１１２４", "20261124 "):
        assert not is_day(text)
