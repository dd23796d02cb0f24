"""Compares the recording index with the files of segments: the hash of each fragment, and where its
samples are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from domain.clock import NS_PER_HOUR
from domain.errors import DataLoss
from storage.findings import Breach, Finding
from storage.mp4.segment_layout import SegmentLayout, TrackLayout, read_layout
from storage.recordings.ledger import Segment
from storage.recordings.virtual.layout_records import LayoutRecord, StoredRecord, read_record
from storage.recordings.virtual.layouts import RecordingIndex, version_of

_COLUMNS = ("offsets", "sizes", "decode_times", "durations", "shown_after", "are_keyframes")


class RecordingIndexCheck:
    """Compares the segments of one camera, which are checked by start."""

    def __init__(self, index: RecordingIndex) -> None:
        self._index = index
        self._hour_ns = -1
        self._records: dict[str, StoredRecord] = {}

    def find(self, segment: Segment) -> Iterator[Finding]:
        """Yield what differs between a segment and its layout. A segment without one, or whose file
        was changed since, is no violation: its layout is read again when it is needed.
        """
        stored = self._stored(segment)
        if stored is None:
            return
        try:
            with segment.path.open("rb") as file:
                if stored.is_of(version_of(file)):
                    yield from differences(stored, file, segment.path.name)
        except FileNotFoundError:  # deleted since it was listed
            return

    def _stored(self, segment: Segment) -> StoredRecord | None:
        hour_ns = segment.start_ns // NS_PER_HOUR * NS_PER_HOUR
        if hour_ns != self._hour_ns:
            self._hour_ns = hour_ns
            self._records = self._index.hour(segment.camera_id, hour_ns)
        return self._records.get(segment.path.name)


def differences(stored: StoredRecord, file: BinaryIO, subject: str) -> Iterator[Finding]:
    """Yield what differs between the content of a segment and its record."""
    try:
        record = read_record(stored)
        damaged = _damaged_fragments(file, record)
        if damaged:
            places = ", ".join(map(str, damaged))
            message = f"fragments that differ from their SHA-256: {places}"
            yield Finding(Breach.SEGMENT_DAMAGED, subject, message)
        elif not _are_equal(record.layout, read_layout(file)):
            message = "its layout in the recording index is not that of the file"
            yield Finding(Breach.LAYOUT_DIFFERS, subject, message)
    except DataLoss as error:
        yield Finding(Breach.LAYOUT_DIFFERS, subject, str(error))


def _damaged_fragments(file: BinaryIO, record: LayoutRecord) -> list[int]:
    """Return the numbers of the fragments that differ from their hashes, if there are hashes."""
    damaged = []
    places = record.layout.fragments.tolist()
    for number, (sha256, (start, end)) in enumerate(zip(record.hashes or (), places, strict=False)):
        file.seek(start)
        if hashlib.sha256(file.read(end - start)).digest() != sha256:
            damaged.append(number)
    return damaged


def _are_equal(layout: SegmentLayout, found: SegmentLayout) -> bool:
    return (
        np.array_equal(layout.fragments, found.fragments)
        and _have_equal_samples(layout.video, found.video)
        and _have_equal_samples(layout.sound, found.sound)
    )


def _have_equal_samples(track: TrackLayout | None, found: TrackLayout | None) -> bool:
    if track is None or found is None:
        return track is found
    return track.header == found.header and all(
        np.array_equal(getattr(track, name), getattr(found, name)) for name in _COLUMNS
    )
