"""A file of map tiles (PMTiles), from which the API serves the base map of the console.

Raster tiles (PNG, JPEG and WebP) and vector tiles are served as they are in the file. The file is
read by position and never mapped into memory, because a file that is cut off while it is mapped
ends the process.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from api.base_map.metadata import NO_METADATA, MapMetadata, TileSchema, parse_metadata
from api.base_map.pmtiles import (
    HEADER_BYTES,
    MOST_DIRECTORY_BYTES,
    MOST_TILE_BYTES,
    Compression,
    Damaged,
    Directory,
    Header,
    MapSection,
    TileType,
    expanded,
    expanded_tile,
    parse_header,
    tile_number,
)
from domain.errors import BadInput, DataLoss

PNG, JPEG, WEBP = "image/png", "image/jpeg", "image/webp"
VECTOR = "application/vnd.mapbox-vector-tile"
_MEDIA_TYPES = {
    TileType.PNG: PNG,
    TileType.JPEG: JPEG,
    TileType.WEBP: WEBP,
    TileType.VECTOR: VECTOR,
}
_DEPTH = 4
"""The maximum number of directories on the way to a tile that the format allows."""
_EVERY_TILE = range(1 << 62)
_KEPT_DIRECTORIES = 16
_EDGE_BYTES = 1 << 17
"""So much of the beginning and of the end of a file makes its version."""
_VERSION_DIGITS = 12


class TileArchive:
    """An open file of map tiles. Thread-safe."""

    def __init__(self, path: Path) -> None:
        """Open a file. Raises BadInput if it is absent, damaged, or of another kind."""
        self.path = path
        try:
            self._descriptor = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise BadInput(
                "the map file {path} cannot be read: {reason}; correct "
                "SIGHTLINE_MAP_FILE or the permissions of the file",
                path=path,
                reason=error.strerror,
            ) from error
        self._lock = threading.Lock()
        self._leaves = OrderedDict[int, Directory]()
        try:
            size_bytes = os.fstat(self._descriptor).st_size
            self.header = parse_header(os.pread(self._descriptor, HEADER_BYTES, 0), size_bytes)
            self.media_type = _media_type(self.header)
            self._root = self._directory(self.header.root)
            self._metadata = self._read_metadata()
            self.version = self._version(size_bytes)
            """Tells this file from others, on each machine that has a copy of it."""
        except (Damaged, OSError) as error:
            self.close()
            raise BadInput(
                "the map file {path} cannot be used: {error}; `sightline map "
                "check` examines a whole file",
                path=path,
                error=error,
            ) from error

    @property
    def attribution(self) -> str:
        """Return the source of the map that the metadata name, as plain text."""
        return self._metadata.attribution

    @property
    def schema(self) -> TileSchema | None:
        """The schema of vector tiles; None for raster tiles."""
        return self._metadata.schema if self.media_type == VECTOR else None

    @property
    def is_former_protomaps(self) -> bool:
        """Whether the vector tiles are of a former version of the schema of Protomaps."""
        return self.media_type == VECTOR and self._metadata.is_former_protomaps

    @property
    def is_gzip(self) -> bool:
        """Whether the content of each tile is compressed with gzip, as only vector tiles are."""
        return self.header.tile_compression is Compression.GZIP

    def close(self) -> None:
        os.close(self._descriptor)

    def tile(self, zoom: int, column: int, row: int) -> bytes | None:
        """Return the content of a tile, or None if the file has none there. Raises DataLoss."""
        with self._reporting_damage():
            return self._tile(tile_number(zoom, column, row))

    def without_gzip(self, tile: bytes) -> bytes:
        """Return the content of a tile without its compression. Raises DataLoss."""
        with self._reporting_damage():
            return expanded_tile(tile)

    @contextmanager
    def _reporting_damage(self) -> Iterator[None]:
        try:
            yield
        except (Damaged, OSError) as error:
            raise DataLoss(
                "the map file {path} is damaged: {error}", path=self.path.name, error=error
            ) from error

    def check(self) -> int:
        """Read every directory and return the number of tiles. Raises BadInput."""
        try:
            return sum(self._checked(self._root, set(), _EVERY_TILE))
        except (Damaged, OSError) as error:
            raise BadInput(
                "the map file {path} is damaged: {error}; copy or make the file again",
                path=self.path,
                error=error,
            ) from error

    def _tile(self, number: int) -> bytes | None:
        directory = self._root
        for _ in range(_DEPTH):
            entry = directory.find(number)
            if entry is None:
                return None
            if entry.run > 0:
                return self._read(_tile_span(entry.span, self.header))
            directory = self._leaf(entry.span)
        raise Damaged("its directories are nested too deeply")

    def _leaf(self, span: MapSection) -> Directory:
        with self._lock:
            known = self._leaves.get(span.offset)
            if known is not None:
                self._leaves.move_to_end(span.offset)
                return known
        leaf = self._directory(span.within(self.header.leaves, "a leaf directory"))
        with self._lock:
            self._leaves[span.offset] = leaf
            if len(self._leaves) > _KEPT_DIRECTORIES:
                self._leaves.popitem(last=False)
        return leaf

    def _directory(self, span: MapSection) -> Directory:
        if span.length > MOST_DIRECTORY_BYTES:
            raise Damaged(f"a directory has {span.length} bytes")
        return Directory(expanded(self._read(span), self.header.directory_compression))

    def _checked(
        self, directory: Directory, seen: set[int], allowed: range, depth: int = 1
    ) -> Iterator[int]:
        """Yield the lengths of all runs below a directory, whose tiles must be among the allowed
        ones. Raises Damaged.
        """
        if depth > _DEPTH:
            raise Damaged("its directories are nested too deeply")
        last = -1
        entries = list(directory)
        for at, entry in enumerate(entries):
            if entry.first <= last:
                raise Damaged(f"tile {entry.first} is in two runs")
            last = entry.first + max(entry.run, 1) - 1
            if entry.first not in allowed or last not in allowed:
                raise Damaged(f"tile {entry.first} is in a directory of other tiles")
            if entry.run > 0:
                _tile_span(entry.span, self.header)
                yield entry.run
            else:
                leaf = entry.span.within(self.header.leaves, "a leaf directory")
                if leaf.offset in seen:
                    raise Damaged("a leaf directory is named twice")
                seen.add(leaf.offset)
                following = entries[at + 1].first if at + 1 < len(entries) else allowed.stop
                below = range(entry.first, following)
                yield from self._checked(self._directory(leaf), seen, below, depth + 1)

    def _read_metadata(self) -> MapMetadata:
        span = self.header.metadata
        if not 0 < span.length <= MOST_DIRECTORY_BYTES:
            return NO_METADATA
        return parse_metadata(expanded(self._read(span), self.header.directory_compression))

    def _version(self, size_bytes: int) -> str:
        """Return a digest of the size and of both ends, which have the header and directories.

        The whole file may have many gigabytes.
        """
        digest = hashlib.sha256(str(size_bytes).encode())
        for offset in (0, max(0, size_bytes - _EDGE_BYTES)):
            digest.update(os.pread(self._descriptor, _EDGE_BYTES, offset))
        return digest.hexdigest()[:_VERSION_DIGITS]

    def _read(self, span: MapSection) -> bytes:
        data = os.pread(self._descriptor, span.length, span.offset)
        if len(data) < span.length:
            raise Damaged("it is shorter than when it was opened")
        return data


def _tile_span(span: MapSection, header: Header) -> MapSection:
    if span.length > MOST_TILE_BYTES:
        raise Damaged(f"a tile has {span.length} bytes")
    return span.within(header.tiles, "a tile")


def _media_type(header: Header) -> str:
    """Return the media type of the tiles. Raises Damaged for those that no console can show."""
    media_type = _MEDIA_TYPES.get(header.tile_type)
    if media_type is None:
        raise Damaged(
            f"it has tiles of the kind {header.tile_type.name}; a file with vector tiles (MVT) or "
            "raster tiles (PNG, JPEG or WebP) is needed"
        )
    compression = header.tile_compression
    if media_type != VECTOR:
        if compression not in (Compression.NONE, Compression.UNKNOWN):
            raise Damaged("its pictures are compressed a second time; make the file without that")
    elif compression not in (Compression.NONE, Compression.GZIP):
        # Browsers expand Brotli only over https, and not all of them expand Zstandard.
        raise Damaged(
            f"its tiles are compressed with {compression.name}, which not every browser expands; "
            "make the file with gzip"
        )
    return media_type
