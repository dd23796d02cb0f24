"""Byte ranges follow RFC 9110 and are never outside the file."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.requests.byte_ranges import ByteRange, select_part

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
        ("bytes=x-y", "whole"),
        ("bytes=" + "9" * 5000 + "-", "whole"),
    ],
)
def test_one_range(header: str | None, expected: ByteRange | Literal["whole", "outside"]) -> None:
    assert select_part(header, None, ETAG, 100) == expected


def test_a_range_of_another_file_means_the_whole() -> None:
    assert select_part("bytes=0-9", '"old"', ETAG, 100) == "whole"
    assert select_part("bytes=0-9", ETAG, ETAG, 100) == ByteRange(0, 9, 100)


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
