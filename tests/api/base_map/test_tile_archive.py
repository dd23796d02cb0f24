"""Map files: every tile is found, and a damaged file is refused or reported."""

from __future__ import annotations

import gzip
from contextlib import closing
from pathlib import Path

import pytest

from api.base_map.pmtiles import Compression, TileType
from api.base_map.tile_archive import VECTOR, TileArchive
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
        (TileType.AVIF, r"AVIF; a file with vector tiles \(MVT\) or raster tiles"),
        (TileType.UNKNOWN, "PNG, JPEG or WebP"),
        (77, "unknown TileType 77"),
    ],
)
def test_a_map_that_no_console_can_show_is_refused(file: Path, kind: int, says: str) -> None:
    write_map(file, TILES, kind=kind)
    with pytest.raises(BadInput, match=says):
        TileArchive(file)


@pytest.mark.parametrize(
    ("names", "schema"),
    [
        (["earth", "water", "roads", "places", "buildings"], "protomaps"),
        (["water", "transportation", "place", "park"], "openmaptiles"),
        (["water", "roads"], "unknown"),
        ([], "unknown"),
    ],
)
def test_the_schema_of_vector_tiles_is_known_by_their_layers(
    file: Path, names: list[str], schema: str
) -> None:
    metadata = {"vector_layers": [{"id": name, "fields": {}} for name in names]}
    write_map(file, TILES, kind=TileType.VECTOR, metadata=metadata)
    with closing(TileArchive(file)) as archive:
        assert (archive.media_type, archive.schema) == (VECTOR, schema)
    write_map(file, TILES, metadata=metadata)
    with closing(TileArchive(file)) as archive:
        assert archive.schema is None, "raster tiles have none"


@pytest.mark.parametrize("layers", ["roads", [3, None, {"id": [1]}, {"no": "id"}], {"id": 1}])
def test_hostile_layers_are_an_unknown_schema(file: Path, layers: object) -> None:
    write_map(file, TILES, kind=TileType.VECTOR, metadata={"vector_layers": layers})
    with closing(TileArchive(file)) as archive:
        assert archive.schema == "unknown"


@pytest.mark.parametrize("compression", [Compression.BROTLI, Compression.ZSTANDARD])
def test_vector_tiles_that_not_every_browser_expands_are_refused(
    file: Path, compression: Compression
) -> None:
    write_map(file, TILES, kind=TileType.VECTOR, tile_compression=compression)
    with pytest.raises(BadInput, match=rf"compressed with {compression.name}.*with gzip"):
        TileArchive(file)
    write_map(file, TILES, tile_compression=Compression.GZIP)
    with pytest.raises(BadInput, match="pictures are compressed a second time"):
        TileArchive(file)


def test_a_compressed_tile_is_kept_and_can_be_expanded_within_bounds(file: Path) -> None:
    good, bomb = (gzip.compress(data, mtime=0) for data in (SEA, bytes((16 << 20) + 1)))
    tiles = {(1, 0, 0): good, (1, 0, 1): bomb, (1, 1, 0): good[:-5], (1, 1, 1): b"no gzip"}
    write_map(file, tiles, kind=TileType.VECTOR, tile_compression=Compression.GZIP)
    with closing(TileArchive(file)) as archive:
        assert archive.tile(1, 0, 0) == good
        assert archive.without_gzip(good) == SEA
        for tile in (bomb, good[:-5], b"no gzip"):
            with pytest.raises(DataLoss, match=r"city\.pmtiles is damaged: a tile"):
                archive.without_gzip(tile)


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
