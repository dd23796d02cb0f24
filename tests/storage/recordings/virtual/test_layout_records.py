"""Records of layouts: what is written is read, damage is noticed, and additions are tolerated."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from domain.errors import DataLoss
from storage.mp4.fragment_times import BoxRange, boxes_in
from storage.mp4.sample_entries import box
from storage.mp4.segment_layout import SegmentLayout, TrackLayout, read_layout
from storage.recordings.ledger import Ledger
from storage.recordings.virtual.layout_records import (
    RECORD,
    FileVersion,
    LayoutRecord,
    StoredRecord,
    read_record,
    records_in,
    write_record,
)
from tests.recorded import B_FRAMES, START_NS, packets_of, record, sound_of, with_sound

VERSION = FileVersion(1234, 5678, 9)


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> SegmentLayout:
    folder = tmp_path_factory.mktemp("recorded")
    packets = packets_of(B_FRAMES)[:60]
    sound = sound_of("aac", packets[0], 2)
    record(with_sound(packets, sound), folder, sound=sound, segment_s=60)
    (segment,) = Ledger(folder).segments("cam-1", 0, START_NS * 2)
    with segment.path.open("rb") as file:
        return read_layout(file)


@pytest.fixture(scope="module")
def stored(layout: SegmentLayout) -> StoredRecord:
    return write_record(LayoutRecord("cam-1_1_2_3.mp4", VERSION, layout))


def check_equal(found: TrackLayout | None, expected: TrackLayout | None) -> None:
    assert found is not None
    assert expected is not None
    assert found.header == expected.header
    for name in ("offsets", "sizes", "decode_times", "durations", "shown_after", "are_keyframes"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name


def test_a_layout_is_read_as_it_was_written(stored: StoredRecord, layout: SegmentLayout) -> None:
    (found,) = records_in(stored.data)
    assert (found.name, found.version) == ("cam-1_1_2_3.mp4", VERSION)
    content = read_record(found).layout
    check_equal(content.video, layout.video)
    check_equal(content.sound, layout.sound)
    assert content.is_whole is layout.is_whole is True
    assert np.array_equal(content.fragments, layout.fragments)
    assert layout.video.shown_after.any()  # B-frames
    assert len(stored.data) < 20 * len(layout.video) + 12 * len(layout.fragments) * 8


@pytest.mark.parametrize("at", [3, 10, 200, -1])
def test_a_damaged_record_is_left_out_and_the_others_are_read(
    at: int, stored: StoredRecord
) -> None:
    damaged = bytearray(stored.data)
    damaged[at] ^= 1
    found = list(records_in(stored.data + bytes(damaged) + stored.data))
    assert [one.data for one in found] == [stored.data, stored.data]


@pytest.mark.parametrize("left", [0, 1, 7, 8, 100])
def test_a_truncated_record_hides_no_other(left: int, stored: StoredRecord) -> None:
    found = list(records_in(stored.data[:left] + stored.data + stored.data[:left]))
    assert [one.data for one in found] == [stored.data]


def test_additions_of_a_newer_version_are_ignored(
    stored: StoredRecord, layout: SegmentLayout
) -> None:
    size = int.from_bytes(stored.data[8:12], "big")
    info = json.loads(stored.data[16 : 8 + size]) | {"colour": "blue"}
    content = box(b"info", json.dumps(info).encode()) + stored.data[8 + size : -4]
    unsigned = box(RECORD, content + box(b"newr", b"unknown") + bytes(4))[:-4]
    (found,) = records_in(unsigned + zlib.crc32(unsigned).to_bytes(4, "little"))
    check_equal(read_record(found).layout.video, layout.video)


def test_an_unreadable_content_is_an_error(stored: StoredRecord) -> None:
    size = int.from_bytes(stored.data[8:12], "big")
    unsigned = box(RECORD, stored.data[8 : 8 + size] + bytes(4))[:-4]
    (found,) = records_in(unsigned + zlib.crc32(unsigned).to_bytes(4, "little"))
    with pytest.raises(DataLoss, match="cam-1_1_2_3"):
        read_record(found)


def test_the_layout_of_a_file_without_a_whole_fragment_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "short.mp4"
    path.write_bytes(b"\0" * 100)
    with path.open("rb") as file, pytest.raises(DataLoss):
        read_layout(file)


FORGED = {
    "timescale": (b"head", bytes(4)),
    "no run": (b"runs", b""),
    "no sample": (b"runs", struct.pack("<3q", 0, 0, 0)),
    "a negative count": (b"runs", struct.pack("<6q", 0, 0, 90, 0, 0, -30)),
    "many samples": (b"runs", struct.pack("<3q", 0, 0, 1 << 40)),
    "more samples than keyframe bits": (b"runs", struct.pack("<3q", 0, 0, 900_000)),
    "a count that overflows": (b"runs", struct.pack("<6q", 0, 0, 1 << 62, 0, 0, 1 << 62)),
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_record_takes_no_memory(forged: str, stored: StoredRecord) -> None:
    name, content = FORGED[forged]
    parts = {part.type: stored.data[part.body : part.end] for part in _content(stored.data)}
    video = {
        part.type: parts[b"vide"][part.body : part.end]
        for part in boxes_in(parts[b"vide"], 0, len(parts[b"vide"]))
    }
    video[name] = content + video[name][len(content) :] if name == b"head" else content
    constant = {b"size": bytes(4), b"dura": bytes(4), b"late": bytes(4)}
    parts[b"vide"] = b"".join(box(kind, data) for kind, data in (video | constant).items())
    content = b"".join(box(kind, data) for kind, data in parts.items())
    unsigned = box(RECORD, content + bytes(4))[:-4]
    (found,) = records_in(unsigned + zlib.crc32(unsigned).to_bytes(4, "little"))
    with pytest.raises(DataLoss):
        read_record(found)


def _content(record: bytes) -> list[BoxRange]:
    return list(boxes_in(record, 8, len(record) - 4))
