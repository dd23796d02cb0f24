"""Layouts that are read together are those that are read one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from domain.errors import DataLoss
from storage.mp4.segment_layout import TrackLayout
from storage.recordings.ledger import Ledger
from storage.recordings.virtual import record_batches
from storage.recordings.virtual.layout_records import StoredRecord, read_record
from storage.recordings.virtual.layouts import hashed_record
from storage.recordings.virtual.record_batches import read_records
from tests.recorded import B_FRAMES, PLAIN, START_NS, packets_of, record, sound_of, with_sound


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Sequence[StoredRecord]:
    """Segments with and without sound, with B-frames, and with one or several durations."""
    folder = tmp_path_factory.mktemp("recorded")
    plain = packets_of(PLAIN)[:150]
    sound = sound_of("aac", plain[0], 6)
    late = [replace(one, wall_ns=one.wall_ns + one.pts % 7 * 1000) for one in plain]
    record(with_sound(plain, sound), folder / "sound", sound=sound)
    record(packets_of(B_FRAMES)[:150], folder / "b_frames")
    record(late, folder / "late")
    return [
        hashed_record(segment.path)
        for name in ("sound", "b_frames", "late", "sound")
        for segment in Ledger(folder / name).segments("cam-1", 0, START_NS * 2)
    ]


def columns(track: TrackLayout | None) -> list[object]:
    if track is None:
        return []
    names = ("offsets", "sizes", "decode_times", "durations", "shown_after", "are_keyframes")
    return [track.header, *(getattr(track, name).tolist() for name in names)]


def test_they_are_as_read_one_by_one(stored: Sequence[StoredRecord]) -> None:
    together, alone = read_records(stored), [read_record(one) for one in stored]
    assert len({one.layout.sound is None for one in alone}) == 2
    for found, expected in zip(together, alone, strict=True):
        assert columns(found.layout.video) == columns(expected.layout.video)
        assert columns(found.layout.sound) == columns(expected.layout.sound)
        assert np.array_equal(found.layout.fragments, expected.layout.fragments)
        assert (found.name, found.version, found.hashes, found.layout.is_whole) == (
            expected.name,
            expected.version,
            expected.hashes,
            expected.layout.is_whole,
        )
    assert read_records([]) == []


def test_the_damaged_one_is_named(stored: Sequence[StoredRecord]) -> None:
    at = stored[1].data.index(b"runs") - 4
    data = stored[1].data[:at] + b"\0\0\0\x08" + stored[1].data[at + 4 :]
    with pytest.raises(DataLoss, match=r"cam-1_\d+_\d+_1"):
        read_records([stored[0], replace(stored[1], data=data), stored[2]])


def with_half_a_row(stored: StoredRecord) -> StoredRecord:
    """Return a record whose last fragment has an offset and no end."""
    at = stored.data.index(b"frag") - 4
    size = int.from_bytes(stored.data[at : at + 4], "big")
    content = stored.data[at + 4 : at + size] + bytes(8)
    data = stored.data[:at] + (size + 8).to_bytes(4, "big") + content + stored.data[at + size :]
    return replace(stored, data=data)


def test_a_record_moves_no_fragment_of_another_one(stored: Sequence[StoredRecord]) -> None:
    """The records of a range may be of several nodes."""
    with pytest.raises(DataLoss, match=stored[0].name):
        read_records([with_half_a_row(stored[0]), with_half_a_row(stored[1])])


def test_too_many_samples_are_refused_before_they_use_memory(
    stored: Sequence[StoredRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_batches, "MOST_TOGETHER", 100)
    with pytest.raises(DataLoss, match="samples of a kind"):
        read_records(stored)
