"""Start codes into lengths: taken together or one by one, access units come out the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.lengths import prefixed_in_place, put_prefixed

UNIT = {"h264": b"\x41\x9a", "hevc": b"\x02\x01\xd0"}
SETS = b"\x42\x01\x07"
CODES = st.sampled_from([b"\0\0\0\1", b"\0\0\0\1", b"\0\0\0\1", b"\0\0\1"])
ODD_CODES = st.one_of(CODES, st.sampled_from([b"", b"\1", b"\0\1"]))
BYTES = st.lists(st.sampled_from([0, 0, 1, 2, 255]), max_size=12).map(bytes)
PLAIN = st.binary(max_size=400).map(lambda data: data.replace(b"\0", b"\1") + b"\3")


def one_by_one(codec: str, datas: list[bytes]) -> tuple[bytes, list[int]]:
    pieces: list[bytes | bytearray] = []
    sizes = [put_prefixed(codec, data, pieces) for data in datas]
    return b"".join(pieces), sizes


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@given(st.lists(st.lists(PLAIN, min_size=1, max_size=4), min_size=1, max_size=6))
def test_plain_units_are_taken_together(codec: str, pictures: list[list[bytes]]) -> None:
    datas = [b"".join(b"\0\0\0\1" + UNIT[codec] + body for body in picture) for picture in pictures]
    together = prefixed_in_place(codec, datas)
    assert together is not None
    assert (bytes(together), [len(data) for data in datas]) == one_by_one(codec, datas)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@given(st.lists(st.lists(st.tuples(ODD_CODES, st.sampled_from([b"", *UNIT.values(), SETS]), BYTES), max_size=4), max_size=6))
def test_where_they_differ_nothing_is_taken_together(codec: str, pictures: list[list[tuple[bytes, bytes, bytes]]]) -> None:
    datas = [b"".join(code + head + body for code, head, body in picture) for picture in pictures]
    together = prefixed_in_place(codec, datas)
    if together is not None:
        assert (bytes(together), [len(data) for data in datas]) == one_by_one(codec, datas)
