"""The recorder and the recovery add segments to the recording index, as a reader of them would."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from domain.media.packets import AudioPacket, Packet
from domain.paths.data_layout import Layout
from ingest.recording.recovery import recover_segments
from ingest.recording.segments import Segments
from storage.mp4.segment_layout import TrackLayout, read_layout
from storage.recordings.ledger import Ledger, Segment
from storage.recordings.virtual import layouts
from storage.recordings.virtual.layout_records import LayoutRecord, read_record
from storage.recordings.virtual.layouts import Layouts, RecordingIndex
from tests.recorded import (
    B_FRAMES,
    HEVC_B_FRAMES,
    PLAIN,
    START_NS,
    Material,
    as_read,
    packets_of,
    sound_of,
    with_sound,
)

EVER = (0, START_NS * 2)


def recorder(layout: Layout) -> Segments:
    return Segments(
        "cam-1",
        layout.recordings_of("cam-1"),
        lambda: 1,
        2.0,
        pytest.fail,
        lambda start_ns, end_ns, cause: None,
        index=RecordingIndex(layout.recording_index),
    )


def write(segments: Segments, packets: list[Packet], sound: list[AudioPacket]) -> None:
    for at in range(0, len(packets), 21):
        run = packets[at : at + 21]
        come = [piece for piece in sound if piece.received_ns <= run[-1].wall_ns]
        sound = sound[len(come) :]
        segments.write(as_read(run), come)


def records(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Segment, LayoutRecord]]:
    """The segments and what the index has of them; no segment is read."""
    found = Ledger(layout.recordings).segments("cam-1", *EVER)
    with monkeypatch.context() as patch:
        patch.setattr(layouts, "read_layout", None)
        stored = list(Layouts(RecordingIndex(layout.recording_index)).records(found))
    assert len(stored) == len(found)
    return [(one, read_record(record)) for one, record in zip(found, stored, strict=True)]


def check(segment: Segment, record: LayoutRecord) -> None:
    """Check that a record agrees with the file."""
    data = segment.path.read_bytes()
    with segment.path.open("rb") as file:
        expected = read_layout(file)
    found = record.layout
    assert np.array_equal(found.fragments, expected.fragments)
    assert found.is_whole
    assert record.hashes == tuple(
        hashlib.sha256(data[start:end]).digest() for start, end in expected.fragments.tolist()
    )
    _check_track(found.video, expected.video)
    assert (found.sound is None) == (expected.sound is None)
    if found.sound is not None and expected.sound is not None:
        _check_track(found.sound, expected.sound)


def _check_track(found: TrackLayout, expected: TrackLayout) -> None:
    assert found.header == expected.header
    for name in ("offsets", "sizes", "decode_times", "durations", "shown_after", "are_keyframes"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name


@pytest.mark.parametrize("material", [PLAIN, B_FRAMES, HEVC_B_FRAMES], ids=str)
@pytest.mark.parametrize("codec", ["", "aac", "pcm_alaw"])
def test_the_recorder_adds_each_finished_segment(
    material: Material, codec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = Layout(tmp_path)
    packets = packets_of(material)[:120]
    sound = sound_of(codec, packets[0], 4.5) if codec else []
    segments = recorder(layout)
    write(segments, with_sound(packets, sound) if sound else packets, sound)
    segments.close()
    found = records(layout, monkeypatch)
    assert len(found) >= 2
    for segment, record in found:
        check(segment, record)


def test_a_recovered_segment_is_in_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = Layout(tmp_path)
    segments = recorder(layout)
    write(segments, packets_of(PLAIN)[:42], [])
    (written,) = Ledger(layout.recordings).segments("cam-1", *EVER)
    content = written.path.read_bytes()
    segments.close()
    shutil.rmtree(layout.recording_index)
    (finished,) = Ledger(layout.recordings).segments("cam-1", *EVER)
    finished.path.unlink()
    written.path.write_bytes(content + b"torn")  # as kill -9 leaves it
    assert len(recover_segments(layout, "cam-1")) == 1
    ((segment, record),) = records(layout, monkeypatch)
    check(segment, record)


def test_a_segment_is_complete_without_the_index(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    layout = Layout(tmp_path)
    layout.recording_index.write_bytes(b"no folder")
    segments = recorder(layout)
    write(segments, packets_of(PLAIN)[:42], [])
    segments.close()
    assert len(Ledger(layout.recordings).segments("cam-1", *EVER)) == 1
    assert "is not in the recording index" in caplog.text
