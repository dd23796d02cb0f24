"""The material and the arithmetic of the benchmark of recordings."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.cameras import Picture
from benchmarks.recordings import recorded_day
from benchmarks.recordings.client import head_bytes
from benchmarks.recordings.recorded_day import FILES, SEGMENT_S, RecordedDay, record_day
from domain.clock import NS_PER_HOUR, NS_PER_S
from domain.paths.data_layout import Layout
from storage.mp4.sample_entries import box
from storage.recordings.ledger import Ledger
from storage.recordings.virtual import layouts
from storage.recordings.virtual.layout_records import read_record
from storage.recordings.virtual.layouts import Layouts, RecordingIndex

START_NS = 1_760_000_400 * NS_PER_S


def test_an_hour_has_its_segments_and_an_index_with_hashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = Layout(tmp_path)
    day = RecordedDay("camera", START_NS, 1)
    record_day(layout, day, Picture(height_px=90, mbit_s=0.2))
    segments = Ledger(layout.recordings).segments("camera", START_NS, START_NS + NS_PER_HOUR)
    assert [one.path for one in segments] == day.segment_files(layout, 3600)
    assert all(before.end_ns == after.start_ns for before, after in pairwise(segments))
    monkeypatch.setattr(layouts, "read_layout", None)  # all layouts are in the index
    found = [
        read_record(one)
        for one in Layouts(RecordingIndex(layout.recording_index)).records(segments)
    ]
    assert len(found) == 3600 // SEGMENT_S
    last = found[FILES + 1]
    assert len(last.layout.video) == 25 * SEGMENT_S
    content = segments[FILES + 1].path.read_bytes()
    assert last.hashes == tuple(
        hashlib.sha256(content[start:end]).digest() for start, end in last.layout.fragments
    )
    assert len({one.path.stat().st_ino for one in segments}) == recorded_day.FILES


def test_the_picture_data_begins_after_the_head() -> None:
    head = box(b"ftyp", bytes(20)) + box(b"moov", bytes(1000)) + bytes(16)
    assert head_bytes((head + b"picture")[:64]) == len(head)


def test_another_file_has_no_known_head() -> None:
    with pytest.raises(ValueError, match="ftyp and moov"):
        head_bytes(box(b"ftyp", bytes(20)) + box(b"free", bytes(100)))
