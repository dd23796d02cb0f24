"""Byte ranges follow RFC 9110 and are never outside the file."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.requests.byte_ranges import MOST_RANGES, ByteRange, range_of, select_part, select_parts

ETAG = '"abc"'


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "whole"),
        ("bytes=0-0", ByteRange(0, 0, 100)),
        ("bytes=0-", ByteRange(0, 99, 100)),
        ("bytes=10-19", ByteRange(10, 19, 100)),
        ("bytes=90-900", ByteRange(90, 99, 100)),
        ("bytes=-10", ByteRange(90, 99, 100)),
        ("bytes=-1000", ByteRange(0, 99, 100)),
        ("bytes=100-", "outside"),
        ("bytes=-0", "outside"),
        ("bytes=5-4", "whole"),
        ("bytes=-", "whole"),
        ("bytes=0-1,5-6", "whole"),
        ("items=0-1", "whole"),
        ("Bytes=0-1", ByteRange(0, 1, 100)),
        ("bytes= 0-1\t", ByteRange(0, 1, 100)),
        ("bytes=\xa00-1", "whole"),
        ("bytes=٠-٩", "whole"),
        ("bytes=x-y", "whole"),
        (f"bytes=90-{2**64 - 1}", ByteRange(90, 99, 100)),
        (f"bytes={2**64 - 1}-", "outside"),
        (f"bytes=-{2**64 - 1}", ByteRange(0, 99, 100)),
        ("bytes=" + "9" * 5000 + "-", "whole"),
    ],
)
def test_one_range(header: str | None, expected: ByteRange | Literal["whole", "outside"]) -> None:
    assert select_part(header, None, ETAG, 100) == expected


def test_a_range_of_another_file_means_the_whole() -> None:
    assert select_part("bytes=0-9", '"old"', ETAG, 100) == "whole"
    assert select_part("bytes=0-9", ETAG, ETAG, 100) == ByteRange(0, 9, 100)


@pytest.mark.parametrize("if_range", [f"W/{ETAG}", "abc", "Tue, 01 Dec 2026 04:00:00 GMT", "", "*"])
def test_only_the_strong_tag_of_the_file_makes_a_range_valid(if_range: str) -> None:
    assert select_part("bytes=0-9", if_range, ETAG, 100) == "whole"
    assert select_parts("bytes=0-9,20-29", if_range, ETAG, 100) == "whole"


def test_only_a_get_has_ranges() -> None:
    assert range_of("GET", "bytes=0-9") == "bytes=0-9"
    assert range_of("HEAD", "bytes=0-9") is None


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=50-59,0-9", [(50, 59), (0, 9)]),
        ("bytes=0-9,10-19", [(0, 9), (10, 19)]),
        ("bytes=50-59, 0-9 ,55-64", [(0, 9), (50, 64)]),
        ("bytes=0-,0-,0-,-100", [(0, 99)]),
        ("bytes=-1,0-0,500-", [(99, 99), (0, 0)]),
        ("bytes=500-,600-", "outside"),
        ("bytes=" + ",".join(["0-0"] * MOST_RANGES), [(0, 0)]),
        ("bytes=" + ",".join(["0-0"] * (MOST_RANGES + 1)), "outside"),
        ("bytes=" + "," * 60_000, "whole"),
        ("bytes=0-9,5-4", "whole"),
    ],
)
def test_several_ranges(header: str, expected: list[tuple[int, int]] | str) -> None:
    found = select_parts(header, None, ETAG, 100)
    assert (found if isinstance(found, str) else [(one.first, one.last) for one in found]) == (
        expected
    )


@given(st.lists(st.tuples(st.integers(0, 120), st.integers(0, 30)), min_size=1, max_size=16))
def test_several_ranges_have_each_requested_byte_once(ranges: list[tuple[int, int]]) -> None:
    header = "bytes=" + ",".join(f"{first}-{first + more}" for first, more in ranges)
    requested = {at for first, more in ranges for at in range(first, first + more + 1) if at < 100}
    found = select_parts(header, None, ETAG, 100)
    sent = [] if isinstance(found, str) else [range(one.first, one.last + 1) for one in found]
    assert sorted(at for part in sent for at in part) == sorted(requested)


def test_nothing_is_in_an_empty_file() -> None:
    assert select_part("bytes=0-", None, ETAG, 0) == "outside"
    assert select_part("bytes=-5", None, ETAG, 0) == "outside"


@given(
    st.text(max_size=30) | st.from_regex(r"bytes=\d{0,4}-\d{0,4}", fullmatch=True),
    st.integers(0, 500),
)
def test_a_part_lies_within_the_file(header: str, size_bytes: int) -> None:
    part = select_part(header, None, ETAG, size_bytes)
    if isinstance(part, ByteRange):
        assert 0 <= part.first <= part.last < size_bytes
