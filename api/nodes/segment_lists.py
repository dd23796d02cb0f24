"""The segments of a camera within a range as a node lists them: rows of numbers, because a day has
8,640 segments and as JSON half of the time of a recording's header.

A list is two boxes. `info` is JSON: the camera, and the hash and the MIME type of each head.
`rows` has a row for each segment, in the order of their starts.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from domain.clock import LATEST_NS, MS_PER_HOUR, NS_PER_MS
from domain.errors import DataLoss
from domain.paths.segment_name import MAX_FENCE, SegmentName
from storage.mp4.fragment_times import boxes_in
from storage.mp4.sample_entries import box
from storage.recordings.ledger import open_name

_ROW = struct.Struct("<7qQ")
BEING_WRITTEN = -1
"""The duration of a segment that is being written."""
NO_HEAD = -1
"""The number of a head that was not requested."""


class SegmentRow(NamedTuple):
    """One segment that a node can serve."""

    start_ms: int
    duration_ms: int
    fence: int
    written_ns: int
    """The moment up to which a segment that is being written can be read; otherwise 0."""
    size_bytes: int
    modified_ns: int
    """When its file was last changed."""
    head: int
    """The number of its head in `SegmentList.heads`."""
    inode: int

    @property
    def end_ns(self) -> int:
        return self.written_ns or (self.start_ms + self.duration_ms) * NS_PER_MS

    def file_name(self, camera_id: str) -> str:
        if self.duration_ms == BEING_WRITTEN:
            return open_name(camera_id, self.start_ms, self.fence)
        return SegmentName(camera_id, self.start_ms, self.duration_ms, self.fence).file_name


class Head(NamedTuple):
    """Segments with the same head play in sequence without a new head."""

    digest: str
    mime: str
    """The MIME type with codecs, for players."""


@dataclass(frozen=True, slots=True)
class SegmentList:
    """The segments of a camera; `rows` has them packed."""

    camera_id: str
    heads: tuple[Head, ...]
    rows: bytes

    def hours(self) -> Iterator[bytes]:
        """Yield the rows of segments that begin in the same hour."""
        starts_ms = (row[0] for row in _ROW.iter_unpack(self.rows))
        at = 0
        for _, group in groupby(start_ms // MS_PER_HOUR for start_ms in starts_ms):
            end = at + _ROW.size * sum(1 for _ in group)
            yield self.rows[at:end]
            at = end


def packed(rows: Sequence[SegmentRow]) -> bytes:
    return b"".join([_ROW.pack(*row) for row in rows])


def write_list(listed: SegmentList) -> bytes:
    """Return the list as it is sent."""
    info = {"camera": listed.camera_id, "heads": listed.heads}
    return box(b"info", json.dumps(info).encode()) + box(b"rows", listed.rows)


def read_list(data: bytes) -> SegmentList:
    """Return a list that a node sent. Raises DataLoss if it is none."""
    try:
        parts = {one.type: data[one.body : one.end] for one in boxes_in(data, 0, len(data))}
        info = json.loads(parts[b"info"])
        heads = tuple(Head(str(digest), str(mime)) for digest, mime in info["heads"])
        listed = SegmentList(str(info["camera"]), heads, parts[b"rows"])
    except (LookupError, ValueError, TypeError) as error:
        raise DataLoss("this is no list of segments: {error}", error=error) from error
    if len(listed.rows) % _ROW.size:
        raise DataLoss("a list of segments is truncated")
    return listed


def read_rows(rows: bytes, heads: int) -> list[SegmentRow]:
    """Return the rows of a list with so many heads. Raises DataLoss if a number is impossible."""
    found = [SegmentRow(*row) for row in _ROW.iter_unpack(rows)]
    if not all(_is_possible(row, heads) for row in found):
        raise DataLoss("a list of segments has impossible numbers")
    return found


def _is_possible(row: SegmentRow, heads: int) -> bool:
    start_ms, duration_ms, fence, written_ns, size_bytes, modified_ns, head, _ = row
    return (
        0 <= start_ms <= start_ms + max(0, duration_ms) < LATEST_NS // NS_PER_MS
        and (duration_ms > 0 if written_ns == 0 else duration_ms == BEING_WRITTEN)
        and (written_ns == 0 or start_ms * NS_PER_MS < written_ns)
        and 0 <= fence <= MAX_FENCE
        and min(size_bytes, modified_ns) >= 0
        and NO_HEAD <= head < heads
    )
