"""The format of PMTiles, version 3: a file of map tiles with an index of directories.

https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md describes it. A header of 127 bytes
names the root directory. The entries of a directory are runs of tiles with one content, or leaf
directories. Tiles are numbered by zoom, and within a zoom along a Hilbert curve.

Nothing here reads a file. Every length is checked before something is read or expanded, because a
damaged file may state any number.
"""

from __future__ import annotations

import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

HEADER_BYTES = 127
MOST_ZOOM = 24
MOST_DIRECTORY_BYTES = 4 << 20
"""The most bytes of a directory, also after decompression. Programs write far smaller ones."""
MOST_TILE_BYTES = 4 << 20
MOST_EXPANDED_TILE_BYTES = 16 << 20
_MAGIC = b"PMTiles"
_VERSION = 3
_COLUMNS = 4
_MOST_VARINT_BITS = 63
_GZIP = 31
"""The window bits of zlib for data with a header of gzip."""


_Kind = TypeVar("_Kind", bound=IntEnum)


class Damaged(ValueError):
    """The data does not follow the format; the sentence says where."""


class TileType(IntEnum):
    """The content of the tiles, with the numbers of the format."""

    UNKNOWN = 0
    VECTOR = 1
    PNG = 2
    JPEG = 3
    WEBP = 4
    AVIF = 5
    MAPLIBRE = 6


class Compression(IntEnum):
    """How directories, metadata or tiles are compressed."""

    UNKNOWN = 0
    NONE = 1
    GZIP = 2
    BROTLI = 3
    ZSTANDARD = 4


@dataclass(frozen=True, slots=True)
class MapSection:
    """A part of the file, or of one of its sections."""

    offset: int
    length: int

    def within(self, outer: MapSection, name: str) -> MapSection:
        """Return the span in the file of a part of `outer`. Raises Damaged if it is not inside."""
        if self.offset + self.length > outer.length:
            raise Damaged(f"{name} lies behind the end of its section")
        return MapSection(outer.offset + self.offset, self.length)


@dataclass(frozen=True, slots=True)
class Header:
    """What the header states; its sections lie in the file."""

    root: MapSection
    metadata: MapSection
    leaves: MapSection
    tiles: MapSection
    directory_compression: Compression
    tile_compression: Compression
    tile_type: TileType
    min_zoom: int
    max_zoom: int


def parse_header(data: bytes, file_bytes: int) -> Header:
    """Return the header of a file of `file_bytes` bytes that begins with `data`. Raises Damaged."""
    if data[: len(_MAGIC)] != _MAGIC:
        raise Damaged("it does not begin with `PMTiles`, so it is another kind of file")
    if len(data) < HEADER_BYTES:
        raise Damaged("it ends within its header")
    if data[7] != _VERSION:
        raise Damaged(f"it has version {data[7]} of the format; version {_VERSION} is needed")
    root, metadata, leaves, tiles = (
        _section(data, at, name, file_bytes)
        for at, name in ((8, "root directory"), (24, "metadata"), (40, "leaves"), (56, "tiles"))
    )
    min_zoom, max_zoom = data[100], data[101]
    if not min_zoom <= max_zoom <= MOST_ZOOM:
        raise Damaged(f"it has the zooms {min_zoom} to {max_zoom}; up to {MOST_ZOOM} are possible")
    return Header(
        root=root,
        metadata=metadata,
        leaves=leaves,
        tiles=tiles,
        directory_compression=_known(Compression, data[97]),
        tile_compression=_known(Compression, data[98]),
        tile_type=_known(TileType, data[99]),
        min_zoom=min_zoom,
        max_zoom=max_zoom,
    )


def _section(data: bytes, at: int, name: str, file_bytes: int) -> MapSection:
    offset, length = (int.from_bytes(data[place : place + 8], "little") for place in (at, at + 8))
    if offset + length > file_bytes:
        raise Damaged(
            f"the section of its {name} ends at byte {offset + length}, and the file has "
            f"{file_bytes}; copy the whole file again"
        )
    return MapSection(offset, length)


def _known(kinds: type[_Kind], number: int) -> _Kind:
    try:
        return kinds(number)
    except ValueError as error:
        raise Damaged(f"it has an unknown {kinds.__name__} {number}") from error


def expanded(data: bytes, compression: Compression) -> bytes:
    """Return a directory or metadata without its compression. Raises Damaged."""
    if compression is Compression.NONE:
        return data
    if compression is not Compression.GZIP:
        raise Damaged(
            f"its directories are compressed with {compression.name}; only gzip and none are "
            "supported"
        )
    return _without_gzip(data, MOST_DIRECTORY_BYTES, "a directory")


def expanded_tile(data: bytes) -> bytes:
    """Return a tile without its gzip. Raises Damaged."""
    return _without_gzip(data, MOST_EXPANDED_TILE_BYTES, "a tile")


def _without_gzip(data: bytes, most_bytes: int, name: str) -> bytes:
    reader = zlib.decompressobj(_GZIP)
    try:
        plain = reader.decompress(data, most_bytes)
    except zlib.error as error:
        raise Damaged(f"{name} cannot be expanded: {error}") from error
    if not reader.eof:
        raise Damaged(f"{name} is cut off, or too large")
    return plain


@dataclass(frozen=True, slots=True)
class Entry:
    """A run of tiles with one content, or a leaf directory if `run` is 0."""

    first: int
    """The number of its first tile."""
    run: int
    span: MapSection


class Directory:
    """The entries of a directory in the order of their tiles."""

    __slots__ = ("_firsts", "_lengths", "_offsets", "_runs")

    def __init__(self, data: bytes) -> None:
        """Parse an expanded directory. Raises Damaged."""
        numbers = _varints(data)
        count = next(numbers)
        if count > len(data) // _COLUMNS:
            raise Damaged("a directory states more entries than it has")
        self._firsts, self._runs = array("Q"), array("Q")
        self._lengths, self._offsets = array("Q"), array("Q")
        first = 0
        for number in range(count):
            step = next(numbers)
            if number > 0 and step == 0:
                raise Damaged("a directory has a tile twice")
            first += step
            if first >> (2 * MOST_ZOOM + 1):
                raise Damaged("a directory has a tile beyond the last zoom")
            self._firsts.append(first)
        for column in (self._runs, self._lengths):
            for _ in range(count):
                column.append(next(numbers))
        self._read_offsets(numbers, count)

    def _read_offsets(self, numbers: Iterator[int], count: int) -> None:
        """Read the last column: 0 stands for the end of the entry before."""
        offset = 0
        for number in range(count):
            stated = next(numbers)
            if stated > 0:
                offset = stated - 1
            elif number > 0:
                offset += self._lengths[number - 1]
            else:
                raise Damaged("the first entry of a directory has no offset")
            if offset >> _MOST_VARINT_BITS:
                raise Damaged("an entry of a directory lies behind the end of any file")
            self._offsets.append(offset)

    def __len__(self) -> int:
        return len(self._firsts)

    def __iter__(self) -> Iterator[Entry]:
        return (self._entry(at) for at in range(len(self)))

    def find(self, tile: int) -> Entry | None:
        """Return the run that has a tile, or the leaf directory that may have it."""
        at = bisect_right(self._firsts, tile) - 1
        if at < 0:
            return None
        entry = self._entry(at)
        return entry if entry.run == 0 or tile < entry.first + entry.run else None

    def _entry(self, at: int) -> Entry:
        span = MapSection(self._offsets[at], self._lengths[at])
        return Entry(self._firsts[at], self._runs[at], span)


def _varints(data: bytes) -> Iterator[int]:
    """Yield the numbers of a directory: seven bits in a byte, the lowest first. Raises Damaged."""
    number = shift = 0
    for byte in data:
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            yield number
            number = shift = 0
            continue
        shift += 7
        if shift >= _MOST_VARINT_BITS:
            raise Damaged("a directory has a number that is too large")
    raise Damaged("a directory ends too early")


def tile_number(zoom: int, column: int, row: int) -> int:
    """Return the number of a tile; `column` and `row` are less than 2 ** `zoom`."""
    number = ((1 << (2 * zoom)) - 1) // 3
    for level in range(zoom - 1, -1, -1):
        side = 1 << level
        right, down = bool(column & side), bool(row & side)
        number += ((3 * right) ^ down) << (2 * level)
        if not down:
            if right:
                column, row = side - 1 - (column & (side - 1)), side - 1 - (row & (side - 1))
            column, row = row, column
    return number
