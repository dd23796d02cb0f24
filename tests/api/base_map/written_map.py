"""Writes files in the PMTiles format, as the specification describes it, for the tests."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from api.base_map.pmtiles import HEADER_BYTES, Compression, TileType, tile_number

Tiles = Mapping[tuple[int, int, int], bytes]
"""Pictures by zoom, column and row."""
Entry = tuple[int, int, int, int]
"""The first tile, the run, the length and the offset."""


def varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def directory(entries: Sequence[Entry], is_compressed: bool = True) -> bytes:
    numbers = [len(entries)]
    last = 0
    for first, *_ in entries:
        numbers.append(first - last)
        last = first
    numbers += [entry[1] for entry in entries] + [entry[2] for entry in entries]
    end = -1
    for _, _, length, offset in entries:
        numbers.append(0 if offset == end else offset + 1)
        end = offset + length
    plain = b"".join(map(varint, numbers))
    return gzip.compress(plain, mtime=0) if is_compressed else plain


def write_map(
    file: Path,
    tiles: Tiles,
    *,
    leaf_entries: int = 0,
    kind: int = TileType.PNG,
    compression: Compression = Compression.GZIP,
    tile_compression: Compression = Compression.NONE,
    metadata: object = None,
) -> Path:
    """Write a map and return its file. With `leaf_entries`, that many entries are in a leaf.

    The tiles are written as they are, also if `tile_compression` says that they are compressed.
    """
    is_compressed = compression is Compression.GZIP
    data, entries = _packed(tiles)
    leaves = b""
    root = entries
    if leaf_entries:
        parts = [entries[at : at + leaf_entries] for at in range(0, len(entries), leaf_entries)]
        root = []
        for part in parts:
            leaf = directory(part, is_compressed)
            root.append((part[0][0], 0, len(leaf), len(leaves)))
            leaves += leaf
    root_bytes = directory(root, is_compressed)
    text = json.dumps({} if metadata is None else metadata).encode()
    text = gzip.compress(text, mtime=0) if is_compressed else text
    zooms = [zoom for zoom, _, _ in tiles] or [0]
    kinds = bytes([compression, tile_compression, kind, min(zooms), max(zooms)])
    file.write_bytes(whole_file(root_bytes, text, leaves, data, kinds))
    return file


PLAIN_PNG = bytes([Compression.NONE, Compression.NONE, TileType.PNG, 0, 3])


def whole_file(
    root: bytes, metadata: bytes, leaves: bytes, data: bytes, kinds: bytes = PLAIN_PNG
) -> bytes:
    """Return a file of these sections; `kinds` are the compressions, the type and the zooms."""
    header, at = bytearray(HEADER_BYTES), HEADER_BYTES
    header[:8] = b"PMTiles\x03"
    for place, section in ((8, root), (24, metadata), (40, leaves), (56, data)):
        header[place : place + 8] = at.to_bytes(8, "little")
        header[place + 8 : place + 16] = len(section).to_bytes(8, "little")
        at += len(section)
    header[97:102] = kinds
    return bytes(header) + root + metadata + leaves + data


def _packed(tiles: Tiles) -> tuple[bytes, list[Entry]]:
    """Return the pictures, each once, and the entries, of which adjacent equal ones are a run."""
    data, offsets = bytearray(), dict[bytes, int]()
    entries: list[Entry] = []
    numbered = sorted((tile_number(*place), picture) for place, picture in tiles.items())
    for number, picture in numbered:
        offset = offsets.setdefault(picture, len(data))
        if offset == len(data):
            data += picture
        if entries:
            first, run, length, at = entries[-1]
            if (at, length) == (offset, len(picture)) and number == first + run:
                entries[-1] = (first, run + 1, length, at)
                continue
        entries.append((number, 1, len(picture), offset))
    return bytes(data), entries
