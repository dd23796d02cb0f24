"""Reads the layouts of many segments together. Pure.

A day of a camera has 8,640 segments with 250 pictures each. To read them one by one takes 1.5 s, of
which most is the cost of numpy's calls for short arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from domain.errors import DataLoss
from storage.mp4.fragment_samples import BoolArray, IntArray
from storage.mp4.segment_layout import SegmentLayout, TrackLayout, accumulated
from storage.mp4.tracks import TrackHeader
from storage.recordings.virtual.layout_records import (
    MOST_SAMPLES,
    LayoutRecord,
    StoredRecord,
    boxes_of,
    content_of,
    hashes_in,
    read_record,
    track_header,
)

_RUN_BYTES, _FRAGMENT_BYTES, _VALUE_BYTES = 24, 16, 4
_Boxes = Mapping[bytes, bytes]
MOST_TOGETHER = 2_000_000
"""The most pictures, and the most pieces of sound, of segments that are read together. An hour of
100 pictures a second has 360,000.
"""


def read_records(stored: Sequence[StoredRecord]) -> list[LayoutRecord]:
    """Return the content of records. Raises DataLoss if this version cannot read one of them."""
    try:
        return _together(stored)
    except (LookupError, ValueError, TypeError, OverflowError):
        return [read_record(one) for one in stored]  # it names the damaged record


def _together(stored: Sequence[StoredRecord]) -> list[LayoutRecord]:
    contents = [content_of(one) for one in stored]
    videos = _tracks([one[b"vide"] for one in contents], is_sound=False)
    sounds = iter(_tracks([one[b"soun"] for one in contents if b"soun" in one], is_sound=True))
    fragments = _fragments([one[b"frag"] for one in contents])
    found = []
    for one, content, video, places in zip(stored, contents, videos, fragments, strict=True):
        sound = next(sounds) if b"soun" in content else None
        hashes = hashes_in(content[b"hash"], len(places)) if b"hash" in content else None
        layout = SegmentLayout(video, sound, places, one.is_whole)
        found.append(LayoutRecord(one.name, one.version, layout, hashes, one.is_hashed_late))
    return found


def _fragments(parts: Sequence[bytes]) -> list[IntArray]:
    """Return the fragments of each segment. Raises ValueError if one has a part of a row."""
    lengths = np.array([len(part) for part in parts])
    if np.any(lengths % _FRAGMENT_BYTES):
        raise ValueError("a fragment of a segment has no end")
    rows = np.frombuffer(b"".join(parts), "<i8").reshape(-1, 2).astype(np.int64)
    edges = _edges(lengths // _FRAGMENT_BYTES)
    return [rows[first:last] for first, last in pairwise(edges)]


def _tracks(parts: Sequence[bytes], is_sound: bool) -> list[TrackLayout]:
    """Return the tracks of several segments. Raises ValueError if one is not as it should be."""
    if not parts:
        return []
    boxes = [boxes_of(part, 0, len(part)) for part in parts]
    headers = _headers([one[b"head"] for one in boxes], is_sound)
    runs = np.frombuffer(_joined(boxes, b"runs"), "<i8").reshape(-1, 3).astype(np.int64)
    counts = _counts(boxes, runs[:, 2])
    sizes = _values(boxes, b"size", "<u4", counts)
    durations = _values(boxes, b"dura", "<u4", counts)
    offsets = accumulated(runs[:, 0], runs[:, 2], sizes)
    times = accumulated(runs[:, 1], runs[:, 2], durations)
    late = _values(boxes, b"late", "<i4", counts)
    keys = _keyframes(boxes, counts)
    parts_of = [slice(first, last) for first, last in pairwise(_edges(counts))]
    return [
        TrackLayout(header, offsets[at], sizes[at], times[at], durations[at], late[at], keys[at])
        for header, at in zip(headers, parts_of, strict=True)
    ]


def _headers(heads: Sequence[bytes], is_sound: bool) -> list[TrackHeader]:
    """Return a header for each; equal ones are one object."""
    known = {head: track_header(head, is_sound) for head in dict.fromkeys(heads)}
    if any(header.timescale < 1 for header in known.values()):
        raise ValueError("a track has no ticks")
    return [known[head] for head in heads]


def _counts(boxes: Sequence[_Boxes], in_runs: IntArray) -> IntArray:
    """Return the number of samples of each segment. The records may be those of a stolen node."""
    lengths = np.array([len(one[b"runs"]) for one in boxes])
    runs = lengths // _RUN_BYTES
    if np.any(lengths % _RUN_BYTES) or runs.min() < 1:
        raise ValueError("a segment has no runs of samples")
    if in_runs.min() < 1 or in_runs.max() > MOST_SAMPLES:
        raise ValueError("a run has no samples, or too many")
    counts: IntArray = np.add.reduceat(in_runs, np.cumsum(runs) - runs)
    if counts.max() > MOST_SAMPLES:
        raise ValueError("a segment has too many samples")
    if int(counts.sum()) > MOST_TOGETHER:
        raise DataLoss(
            "{count} segments together have {counts} samples of a kind",
            count=len(boxes),
            counts=int(counts.sum()),
        )
    return counts


def _values(boxes: Sequence[_Boxes], name: bytes, form: str, counts: IntArray) -> IntArray:
    """Return a value for each sample. A segment has one value, or as many as samples."""
    values = np.frombuffer(_joined(boxes, name), form).astype(np.int64)
    lengths = np.array([len(one[name]) for one in boxes]) // _VALUE_BYTES
    is_one = lengths == 1
    if np.any(~is_one & (lengths != counts)):
        raise ValueError(f"{name!r} has neither one value nor one for each sample")
    if not np.any(is_one):
        return values
    repeats = np.ones(len(values), np.int64)
    repeats[(np.cumsum(lengths) - lengths)[is_one]] = counts[is_one]
    return np.repeat(values, repeats)


def _keyframes(boxes: Sequence[_Boxes], counts: IntArray) -> BoolArray:
    lengths = np.array([len(one[b"keys"]) for one in boxes])
    if np.any(counts > 8 * lengths):
        raise ValueError("fewer bits of keyframes than samples")
    bits = np.unpackbits(np.frombuffer(_joined(boxes, b"keys"), np.uint8))
    unused = 8 * (np.cumsum(lengths) - lengths) - (np.cumsum(counts) - counts)
    places = np.arange(int(counts.sum())) + np.repeat(unused, counts)
    found: BoolArray = bits[places].astype(np.bool_)
    return found


def _joined(boxes: Sequence[_Boxes], name: bytes) -> bytes:
    return b"".join([one[name] for one in boxes])


def _edges(counts: IntArray) -> list[int]:
    edges: list[int] = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts))).tolist()
    return edges
