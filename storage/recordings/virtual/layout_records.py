"""The binary record of a segment's layout, as the recording index and the node API have it. Pure.

A record is a box that contains boxes, as in MP4. A reader skips boxes that it does not know and
ignores unknown fields, so that a newer version may add both. Numbers are little-endian.

| box | content |
|---|---|
| `slyt` | the whole record; its last four bytes are the CRC-32 of the bytes before them |
| `info` | JSON: the name of the segment, size, time and inode of its file, when it was hashed |
| `frag` | for each fragment the offset of its `moof` and the end of its `mdat`, 64 bits each |
| `hash` | for each fragment its SHA-256, from the first byte to the end of the `mdat` |
| `vide`, `soun` | a track: the boxes below |
| `head` | the ticks a second, width and height as in `tkhd`, and the `stsd` box |
| `runs` | for each run of samples the offset of the first, its decoding time and their number |
| `size`, `dura`, `late` | the size, the duration and pts - dts of samples; one value if all agree |
| `keys` | a bit for each sample: whether it is a keyframe |
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.errors import DataLoss
from storage.mp4.fragment_samples import IntArray
from storage.mp4.sample_entries import box
from storage.mp4.segment_layout import SegmentLayout, TrackLayout, accumulated
from storage.mp4.tracks import TrackHeader

RECORD = b"slyt"
_TRACK_HEAD = struct.Struct("<I8s")
_BOX_HEAD = struct.Struct(">I4s")
_BOX_HEAD_BYTES = 8
MOST_SAMPLES = 1_000_000
"""The most samples of a track. A segment of an hour has fewer."""
_CRC_BYTES = 4
_HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class FileVersion:
    """What differs between two states of a file, or of an object in the store."""

    size_bytes: int
    modified_ns: int
    inode: int
    etag: str = ""
    """The ETag that the object store gave; empty for a file. It is not in records."""

    @classmethod
    def of(cls, stat: os.stat_result) -> FileVersion:
        """Return the version of a file."""
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ino)

    def has_layout_of(self, other: FileVersion, has_hashes: bool) -> bool:
        """Return whether what is known of this version is true of another one.

        With hashes it is also true of a copy of the file, because the hashes show whether the bytes
        are the same.
        """
        return self == other or (has_hashes and self.size_bytes == other.size_bytes)


@dataclass(frozen=True, slots=True, eq=False)
class LayoutRecord:
    """The layout of a segment, and the state of the file from which it was read."""

    name: str
    version: FileVersion
    layout: SegmentLayout
    hashes: tuple[bytes, ...] | None = None
    """The SHA-256 of each fragment; None if nothing hashed it."""
    is_hashed_late: bool = False
    """Whether the hashes are of the first reading, and not of the recorder."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredRecord:
    """An intact record, and what is needed to decide whether it is of a file."""

    name: str
    version: FileVersion
    has_hashes: bool
    is_whole: bool
    """Whether nothing follows the last fragment in the file."""
    data: bytes
    is_hashed_late: bool = False
    """Whether the hashes are of the first reading, and not of the recorder."""

    def is_of(self, version: FileVersion) -> bool:
        """Return whether the layout is that of a file in this state."""
        return self.version.has_layout_of(version, self.has_hashes)


@dataclass(frozen=True, slots=True, eq=False)
class TrackColumns:
    """The samples of a track as plain numbers, which the recorder has without any conversion."""

    header: TrackHeader
    runs: Sequence[int]
    """Of each run of adjacent samples the first offset, its decoding time and their number."""
    sizes: Sequence[int]
    durations: Sequence[int]
    shown_after: Sequence[int]
    keyframes: Sequence[int]
    """The places of the keyframes, from 0."""


def write_record(record: LayoutRecord) -> StoredRecord:
    """Return the record as it is stored."""
    layout = record.layout
    sound = None if layout.sound is None else _columns(layout.sound)
    fragments = layout.fragments.ravel().tolist()
    info = (record.name, record.version, layout.is_whole)
    return write_columns(
        info, fragments, record.hashes, _columns(layout.video), sound, record.is_hashed_late
    )


def write_columns(
    info: tuple[str, FileVersion, bool],
    fragments: Sequence[int],
    hashes: Sequence[bytes] | None,
    video: TrackColumns,
    sound: TrackColumns | None,
    is_hashed_late: bool = False,
) -> StoredRecord:
    """Return a record as it is stored. `info` has the name and the version of the file, and whether
    it is whole; `fragments` has the offset and the end of each in sequence.
    """
    name, version, is_whole = info
    text = json.dumps(
        {
            "name": name,
            "size_bytes": version.size_bytes,
            "modified_ns": version.modified_ns,
            "inode": version.inode,
            "is_whole": is_whole,
            "is_hashed_late": is_hashed_late,
        }
    )
    content = (
        box(b"info", text.encode())
        + box(b"frag", struct.pack(f"<{len(fragments)}q", *fragments))
        + (b"" if hashes is None else box(b"hash", b"".join(hashes)))
        + box(b"vide", _track_bytes(video))
        + (b"" if sound is None else box(b"soun", _track_bytes(sound)))
    )
    unsigned = box(RECORD, content + bytes(_CRC_BYTES))[:-_CRC_BYTES]
    data = unsigned + zlib.crc32(unsigned).to_bytes(_CRC_BYTES, "little")
    return StoredRecord(name, version, hashes is not None, is_whole, data, is_hashed_late)


def records_in(data: bytes) -> Iterator[StoredRecord]:
    """Yield the records of `data`. A record that is damaged or truncated is left out."""
    at = 0
    while at + _BOX_HEAD_BYTES <= len(data):
        size, kind = _BOX_HEAD.unpack_from(data, at)
        is_box = kind == RECORD and _BOX_HEAD_BYTES <= size <= len(data) - at
        record = _stored(data[at : at + size]) if is_box else None
        if record is not None:
            yield record
            at += size
            continue
        following = data.find(RECORD, at + len(RECORD) + 1)
        if following < 0:
            return
        at = following - len(RECORD)


def valid_records(data: bytes) -> dict[str, StoredRecord]:
    """Return the valid record of each segment, by the name of the segment: the last one, but not
    one without hashes that a reader added at the same time as the recorder.
    """
    found: dict[str, StoredRecord] = {}
    for record in records_in(data):
        known = found.get(record.name)
        if known is None or record.has_hashes or not known.is_of(record.version):
            found[record.name] = record
    return found


def read_record(stored: StoredRecord) -> LayoutRecord:
    """Return the content of a record. Raises DataLoss if this version cannot read it."""
    try:
        return _record(stored)
    except (LookupError, ValueError, TypeError, OverflowError, struct.error) as error:
        raise DataLoss(
            "the layout of {stored} cannot be read: {error}", stored=stored.name, error=error
        ) from error


def _stored(record: bytes) -> StoredRecord | None:
    crc = int.from_bytes(record[-_CRC_BYTES:], "little")
    if zlib.crc32(record[:-_CRC_BYTES]) != crc:
        return None
    try:
        parts = boxes_of(record, _BOX_HEAD_BYTES, len(record) - _CRC_BYTES)
        info = json.loads(parts[b"info"])
        version = FileVersion(int(info["size_bytes"]), int(info["modified_ns"]), int(info["inode"]))
        is_whole, has_hashes = bool(info["is_whole"]), b"hash" in parts
        is_late = bool(info.get("is_hashed_late"))
        return StoredRecord(str(info["name"]), version, has_hashes, is_whole, record, is_late)
    except (KeyError, ValueError, TypeError):
        return None  # of a version that this one cannot read


def _record(stored: StoredRecord) -> LayoutRecord:
    parts = content_of(stored)
    sound = parts.get(b"soun")
    layout = SegmentLayout(
        _track(parts[b"vide"], is_sound=False),
        None if sound is None else _track(sound, is_sound=True),
        np.frombuffer(parts[b"frag"], "<i8").reshape(-1, 2).astype(np.int64),
        stored.is_whole,
    )
    hashes = hashes_in(parts[b"hash"], len(layout.fragments)) if b"hash" in parts else None
    return LayoutRecord(stored.name, stored.version, layout, hashes, stored.is_hashed_late)


def hashes_in(data: bytes, count: int) -> tuple[bytes, ...]:
    """Return the hashes of fragments. Raises ValueError if there are not `count`."""
    if len(data) != count * _HASH_BYTES:
        raise ValueError(f"{len(data)} bytes of hashes for {count} fragments")
    return tuple(data[at : at + _HASH_BYTES] for at in range(0, len(data), _HASH_BYTES))


def _columns(track: TrackLayout) -> TrackColumns:
    return TrackColumns(
        track.header,
        _runs(track).ravel().tolist(),
        track.sizes.tolist(),
        track.durations.tolist(),
        track.shown_after.tolist(),
        np.flatnonzero(track.are_keyframes).tolist(),
    )


def _track_bytes(track: TrackColumns) -> bytes:
    header = track.header
    return (
        box(b"head", _TRACK_HEAD.pack(header.timescale, header.shown_size) + header.description)
        + box(b"runs", struct.pack(f"<{len(track.runs)}q", *track.runs))
        + box(b"size", _column(track.sizes, "I"))
        + box(b"dura", _column(track.durations, "I"))
        + box(b"late", _column(track.shown_after, "i"))
        + box(b"keys", _bits(track.keyframes, len(track.sizes)))
    )


def _column(values: Sequence[int], form: str) -> bytes:
    values = values[:1] if values.count(values[0]) == len(values) else values
    return struct.pack(f"<{len(values)}{form}", *values)


def _bits(places: Sequence[int], count: int) -> bytes:
    """Return a bit for each sample, set at these places."""
    if len(places) == count:
        return b"\xff" * -(-count // 8)
    bits = bytearray(-(-count // 8))
    for place in places:
        bits[place >> 3] |= 0x80 >> (place & 7)
    return bytes(bits)


def _track(data: bytes, is_sound: bool) -> TrackLayout:
    parts = boxes_of(data, 0, len(data))
    header = track_header(parts[b"head"], is_sound)
    runs = np.frombuffer(parts[b"runs"], "<i8").reshape(-1, 3).astype(np.int64)
    counts = runs[:, 2]
    count = int(counts.sum())
    # The record may be that of a stolen node.
    if header.timescale < 1 or counts.min() < 1 or max(counts.max(), count) > MOST_SAMPLES:
        raise ValueError(f"{count} samples in ticks of 1/{header.timescale} s")
    if count > 8 * len(parts[b"keys"]):
        raise ValueError(f"keyframes of fewer than {count} samples")
    sizes = _values(parts[b"size"], "<u4", count)
    durations = _values(parts[b"dura"], "<u4", count)
    keys = np.unpackbits(np.frombuffer(parts[b"keys"], np.uint8), count=count).astype(np.bool_)
    return TrackLayout(
        header,
        accumulated(runs[:, 0], counts, sizes),
        sizes,
        accumulated(runs[:, 1], counts, durations),
        durations,
        _values(parts[b"late"], "<i4", count),
        keys,
    )


def _runs(track: TrackLayout) -> NDArray[np.int64]:
    """Return for each run of adjacent samples the first offset, its decoding time, and the number
    of samples.
    """
    is_adjacent = (track.offsets[1:] == track.offsets[:-1] + track.sizes[:-1]) & (
        track.decode_times[1:] == track.decode_times[:-1] + track.durations[:-1]
    )
    first = np.concatenate((np.zeros(1, np.int64), np.flatnonzero(~is_adjacent) + 1))
    counts = np.diff(np.append(first, len(track)))
    return np.column_stack((track.offsets[first], track.decode_times[first], counts))


def _values(data: bytes, form: str, count: int) -> IntArray:
    """Return a value for each sample. Raises ValueError if there are neither one nor `count`."""
    values = np.frombuffer(data, form).astype(np.int64)
    if len(values) not in (1, count):
        raise ValueError(f"{len(values)} values for {count} samples")
    return np.full(count, values[0]) if len(values) == 1 else values


def content_of(stored: StoredRecord) -> Mapping[bytes, bytes]:
    """Return the boxes in a record."""
    return boxes_of(stored.data, _BOX_HEAD_BYTES, len(stored.data) - _CRC_BYTES)


def boxes_of(data: bytes, at: int, end: int) -> Mapping[bytes, bytes]:
    """Return the content of each box in [at, end) by its type. A day has 100,000, so this is a
    plain loop.
    """
    found: dict[bytes, bytes] = {}
    while at + _BOX_HEAD_BYTES <= end:
        size, kind = _BOX_HEAD.unpack_from(data, at)
        if size < _BOX_HEAD_BYTES or at + size > end:
            break
        found[kind] = data[at + _BOX_HEAD_BYTES : at + size]
        at += size
    return found


def track_header(head: bytes, is_sound: bool) -> TrackHeader:
    """Return the header of a track from its `head` box."""
    timescale, shown_size = _TRACK_HEAD.unpack_from(head)
    return TrackHeader(is_sound, timescale, shown_size, head[_TRACK_HEAD.size :])
