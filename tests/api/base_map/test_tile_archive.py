"""Map files: every tile is found, and a damaged file is refused or reported."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from api.base_map.pmtiles import Compression, TileType
from api.base_map.tile_archive import TileArchive
from domain.errors import BadInput, DataLoss
from tests.api.base_map.written_map import directory, whole_file, write_map

SEA = b"a picture of the sea"
TILES = {
    (zoom, column, row): SEA if (column + row) % 3 else f"{zoom}/{column}/{row}".encode()
    for zoom in range(4)
    for column in range(1 << zoom)
    for row in range(1 << zoom)
    if (column, row) != (1, 0)
}
"""A part of the world, with runs of one picture, and with gaps."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "city.pmtiles"


@pytest.mark.parametrize("leaf_entries", [0, 1, 7])
@pytest.mark.parametrize("compression", [Compression.NONE, Compression.GZIP])
def test_every_tile_is_found(file: Path, leaf_entries: int, compression: Compression) -> None:
    write_map(file, TILES, leaf_entries=leaf_entries, compression=compression)
    with closing(TileArchive(file)) as archive:
        assert (archive.header.min_zoom, archive.header.max_zoom) == (0, 3)
        assert archive.media_type == "image/png"
        for place, picture in TILES.items():
            assert archive.tile(*place) == picture
        assert archive.tile(1, 1, 0) is None
        assert archive.tile(9, 300, 200) is None
        assert archive.check() == len(TILES)


def test_the_source_of_a_map_is_a_plain_text(file: Path) -> None:
    named = "<a href='https://a.city'>&copy; The\n survey</a> <script>"
    write_map(file, TILES, metadata={"attribution": named})
    with closing(TileArchive(file)) as archive:
        assert archive.attribution == "© The survey"
    write_map(file, TILES, metadata=["no", "names"])
    with closing(TileArchive(file)) as archive:
        assert archive.attribution == ""


def test_hostile_metadata_is_refused_or_plain_text(file: Path) -> None:
    write_map(file, TILES, metadata={"attribution": "<" * 1_000_000})
    with closing(TileArchive(file)) as archive:
        assert archive.attribution == "<" * 200
    write_map(file, TILES, metadata={"attribution": "a\ud800b"})
    with closing(TileArchive(file)) as archive:
        assert archive.attribution.encode() == b"a?b"
    file.write_bytes(whole_file(directory([], False), b"[" * 100_000, b"", b""))
    with pytest.raises(BadInput, match="metadata is no JSON"):
        TileArchive(file)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (TileType.VECTOR, "VECTOR; a file with pictures is needed"),
        (TileType.UNKNOWN, "PNG, JPEG or WebP"),
        (77, "unknown TileType 77"),
    ],
)
def test_a_map_without_pictures_is_refused(file: Path, kind: int, says: str) -> None:
    write_map(file, TILES, kind=kind)
    with pytest.raises(BadInput, match=says):
        TileArchive(file)


def test_a_file_that_is_absent_or_another_kind_is_refused_with_what_to_do(file: Path) -> None:
    with pytest.raises(BadInput, match=r"No such file.*SIGHTLINE_MAP_FILE"):
        TileArchive(file)
    for data in (b"", b"PMTiles", b"SQLite format 3\x00" * 20):
        file.write_bytes(data)
        with pytest.raises(BadInput, match="map check"):
            TileArchive(file)


def test_a_file_that_is_cut_off_anywhere_is_refused(file: Path) -> None:
    whole = write_map(file, TILES, leaf_entries=7).read_bytes()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(BadInput):
            TileArchive(file)


def test_a_damaged_byte_never_ends_in_another_error(file: Path) -> None:
    """Each byte in turn is inverted: the file is refused, or a tile is reported or different."""
    whole = write_map(file, TILES, leaf_entries=7).read_bytes()
    refused = reported = 0
    for at in range(len(whole)):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            archive = TileArchive(file)
        except BadInput:
            refused += 1
            continue
        with closing(archive):
            for place in ((0, 0, 0), (3, 5, 5), (3, 7, 0)):
                try:
                    archive.tile(*place)
                except DataLoss:
                    reported += 1
            try:
                archive.check()
            except BadInput:
                reported += 1
    assert refused > 0
    assert reported > 0


def test_a_file_that_is_cut_off_while_it_is_open_is_reported(file: Path) -> None:
    write_map(file, TILES, leaf_entries=7)
    with closing(TileArchive(file)) as archive:
        file.write_bytes(b"")
        with pytest.raises(DataLoss, match=r"city\.pmtiles is damaged: it is shorter"):
            archive.tile(3, 5, 5)


def test_a_leaf_that_names_itself_is_damaged(file: Path) -> None:
    whole = bytearray(write_map(file, {(0, 0, 0): SEA}, leaf_entries=1).read_bytes())
    root = whole[8:24]
    whole[40:56] = root  # The section of the leaves is that of the root directory.
    file.write_bytes(whole)
    with closing(TileArchive(file)) as archive:
        with pytest.raises(BadInput, match=r"twice|end of its section"):
            archive.check()
        with pytest.raises(DataLoss):
            archive.tile(0, 0, 0)


@pytest.mark.parametrize(("depth", "is_right"), [(3, True), (4, False), (2000, False)])
def test_directories_that_no_tile_is_read_from_are_damaged(
    file: Path, depth: int, is_right: bool
) -> None:
    leaves, entry = b"", (0, 1, len(SEA), 0)
    for _ in range(depth):
        leaf = directory([entry], False)
        entry = (0, 0, len(leaf), len(leaves))
        leaves += leaf
    file.write_bytes(whole_file(directory([entry], False), b"{}", leaves, SEA))
    with closing(TileArchive(file)) as archive:
        if is_right:
            assert (archive.check(), archive.tile(0, 0, 0)) == (1, SEA)
            return
        with pytest.raises(BadInput, match="nested too deeply"):
            archive.check()


def test_a_leaf_with_tiles_of_another_one_is_damaged(file: Path) -> None:
    first, second = (directory([(tile, 1, len(SEA), 0)], False) for tile in (7, 5))
    root = [(0, 0, len(first), 0), (5, 0, len(second), len(first))]
    file.write_bytes(whole_file(directory(root, False), b"{}", first + second, SEA))
    with closing(TileArchive(file)) as archive:
        assert archive.tile(2, 0, 0) == SEA
        with pytest.raises(BadInput, match="in a directory of other tiles"):
            archive.check()
