"""The format of PMTiles: numbers of tiles, directories, and what a damaged one leads to."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.base_map.pmtiles import (
    HEADER_BYTES,
    MOST_DIRECTORY_BYTES,
    Compression,
    Damaged,
    Directory,
    Entry,
    MapSection,
    expanded,
    parse_header,
    tile_number,
)
from tests.api.base_map.written_map import directory, varint

KNOWN = {
    (0, 0, 0): 0,
    (1, 0, 0): 1,
    (1, 0, 1): 2,
    (1, 1, 1): 3,
    (1, 1, 0): 4,
    (2, 0, 0): 5,
    (12, 3423, 1763): 19_078_479,
}
"""Numbers that the specification and its tests state."""


@pytest.mark.parametrize("place", KNOWN)
def test_tiles_have_the_numbers_of_the_specification(place: tuple[int, int, int]) -> None:
    assert tile_number(*place) == KNOWN[place]


def test_the_tiles_of_a_zoom_are_numbered_along_one_curve() -> None:
    """Each tile has one number, and two consecutive tiles have a side in common."""
    for zoom in range(6):
        side = 1 << zoom
        placed = {
            tile_number(zoom, column, row): (column, row)
            for column in range(side)
            for row in range(side)
        }
        first = (4**zoom - 1) // 3
        assert sorted(placed) == list(range(first, first + 4**zoom))
        for number in range(first + 1, first + 4**zoom):
            (one, other), (left, top) = placed[number], placed[number - 1]
            assert abs(one - left) + abs(other - top) == 1


@st.composite
def _entries(draw: st.DrawFn) -> list[tuple[int, int, int, int]]:
    found, next_ = [], draw(st.integers(0, 1 << 40))
    for _ in range(draw(st.integers(0, 20))):
        run = draw(st.integers(0, 1000))
        length, offset = draw(st.integers(0, 1 << 30)), draw(st.integers(0, 1 << 50))
        found.append((next_, run, length, offset))
        next_ += max(run, 1) + draw(st.integers(0, 1000))
    return found


@given(_entries())
def test_a_directory_has_what_was_written(entries: list[tuple[int, int, int, int]]) -> None:
    parsed = Directory(directory(entries, is_compressed=False))
    assert list(parsed) == [
        Entry(first, run, MapSection(offset, length)) for first, run, length, offset in entries
    ]
    for first, run, _, _ in entries:
        found = parsed.find(first + max(run, 1) - 1)
        assert found is not None
        assert found.first == first
        behind = parsed.find(first + run) if run else None
        assert behind is None or behind.first == first + run
    assert not entries or parsed.find(entries[0][0] - 1) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_a_directory_or_damaged(data: bytes) -> None:
    try:
        parsed = Directory(data)
    except Damaged:
        return
    firsts = [entry.first for entry in parsed]
    assert firsts == sorted(set(firsts))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "too early"),
        (varint(1 << 40), "more entries than it has"),
        (b"\xff" * 20, "too large"),
        (bytes([1, 0, 1, 1, 0]), "no offset"),
        (bytes([2, 5, 0, 1, 1, 1, 1, 1, 1]), "twice"),
        (bytes([1, *varint(1 << 50), 1, 1, 1]), "beyond the last zoom"),
    ],
)
def test_a_damaged_directory_says_what_is_wrong(data: bytes, says: str) -> None:
    with pytest.raises(Damaged, match=says):
        Directory(data)


def test_a_directory_that_expands_without_end_is_refused() -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = packer.compress(bytes(MOST_DIRECTORY_BYTES + 1)) + packer.flush()
    assert len(bomb) < 10_000
    with pytest.raises(Damaged, match="too large"):
        expanded(bomb, Compression.GZIP)
    with pytest.raises(Damaged, match="BROTLI"):
        expanded(b"", Compression.BROTLI)


@given(st.binary(min_size=HEADER_BYTES, max_size=HEADER_BYTES), st.integers(0, 1 << 40))
def test_any_header_lies_within_its_file_or_is_damaged(data: bytes, file_bytes: int) -> None:
    try:
        header = parse_header(b"PMTiles\x03" + data[8:], file_bytes)
    except Damaged:
        return
    for span in (header.root, header.metadata, header.leaves, header.tiles):
        assert span.offset + span.length <= file_bytes
