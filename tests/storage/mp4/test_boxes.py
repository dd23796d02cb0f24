from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from storage.mp4.boxes import Box, boxes, whole_bytes

FTYP, MOOV, MOOF, MDAT = b"ftyp", b"moov", b"moof", b"mdat"


def _box(kind: bytes, body: bytes = b"12345678") -> bytes:
    return (len(body) + 8).to_bytes(4, "big") + kind + body


def _large_box(kind: bytes, body: bytes = b"12345678") -> bytes:
    return (1).to_bytes(4, "big") + kind + (len(body) + 16).to_bytes(8, "big") + body


def test_boxes_are_read_in_order_with_both_forms_of_size() -> None:
    file = io.BytesIO(_box(FTYP) + _large_box(MDAT) + _box(MOOV))
    assert list(boxes(file)) == [Box(FTYP, 0, 16), Box(MDAT, 16, 24), Box(MOOV, 40, 16)]


def test_what_is_torn_unknown_or_impossible_ends_the_list() -> None:
    for tail in (_box(MDAT)[:-1], _box(b"\0\0\0\0"), _box(MDAT)[:7], b"\0\0\0\4mdat", b"\0" * 64):
        assert list(boxes(io.BytesIO(_box(FTYP) + tail))) == [Box(FTYP, 0, 16)]


def test_a_fragment_is_whole_with_its_data(tmp_path: Path) -> None:
    path = tmp_path / "file.mp4"
    head, fragment = _box(FTYP) + _box(MOOV), _box(MOOF) + _box(MDAT)
    for data, whole in (
        (head, 0),
        (fragment, 0),  # without a moov nothing can be read
        (head + fragment, len(head + fragment)),
        (head + fragment + _box(MOOF), len(head + fragment)),
        (head + fragment * 3 + fragment[:-1], len(head + fragment * 3)),
        (head + fragment + _box(MDAT), len(head + fragment)),
    ):
        path.write_bytes(data)
        assert whole_bytes(path) == whole


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_harm(data: bytes) -> None:
    found = list(boxes(io.BytesIO(_box(FTYP) + data)))
    assert found[0].end == 16
    assert all(before.end == after.offset for before, after in pairwise(found))
    assert found[-1].end <= len(data) + 16
