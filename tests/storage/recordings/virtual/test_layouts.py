"""The layouts of segments come from the index, and from the files if the index lacks them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from domain.clock import NS_PER_HOUR
from domain.paths.data_layout import Layout
from storage.recordings.ledger import Ledger, Segment
from storage.recordings.virtual import layouts
from storage.recordings.virtual.layout_records import StoredRecord
from storage.recordings.virtual.layouts import KnownHours, Layouts, RecordingIndex, hashed_record
from tests.recorded import PLAIN, START_NS, packets_of, record, recording
from tests.small_disk import disk_takes

EVER = (0, START_NS * 2)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


@pytest.fixture
def segments(layout: Layout) -> Sequence[Segment]:
    record(packets_of(PLAIN)[:150], layout.recordings)
    return Ledger(layout.recordings).segments("cam-1", *EVER)


def made(layout: Layout) -> Layouts:
    return Layouts(RecordingIndex(layout.recording_index))


def names(found: Sequence[Segment]) -> list[str]:
    return [one.path.name for one in found]


def test_a_segment_is_read_once(
    layout: Layout, segments: Sequence[Segment], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = list(made(layout).records(segments))
    assert [one.name for one in first] == names(segments)
    monkeypatch.setattr(layouts, "read_layout", None)
    again = list(made(layout).records(segments))
    assert [one.data for one in again] == [one.data for one in first]


def test_the_index_may_be_deleted_or_be_unwritable(
    layout: Layout, segments: Sequence[Segment], caplog: pytest.LogCaptureFixture
) -> None:
    first = [one.data for one in made(layout).records(segments)]
    (file,) = layout.recording_index.rglob("*.layouts")
    file.unlink()
    assert [one.data for one in made(layout).records(segments)] == first
    file.unlink()
    file.mkdir()
    assert [one.data for one in made(layout).records(segments)] == first
    assert "is not in the index" in caplog.text


def test_a_record_of_which_the_disk_accepts_a_part_is_an_error_and_damages_no_other(
    layout: Layout, segments: Sequence[Segment]
) -> None:
    index = RecordingIndex(layout.recording_index)
    records = [hashed_record(one.path) for one in segments]
    index.add("cam-1", segments[0].start_ns, records[0])
    with disk_takes(len(records[0].data) + 10), pytest.raises(OSError, match="only a part"):
        index.add("cam-1", segments[1].start_ns, records[1])
    index.add("cam-1", segments[2].start_ns, records[2])
    found = index.hour("cam-1", START_NS // NS_PER_HOUR * NS_PER_HOUR)
    assert list(found) == [records[0].name, records[2].name]


def test_a_segment_that_was_changed_is_read_again(
    layout: Layout, segments: Sequence[Segment]
) -> None:
    first = list(made(layout).records(segments))
    path = segments[1].path
    path.write_bytes(path.read_bytes()[:-200])
    again = list(made(layout).records(segments))
    assert again[1].version != first[1].version
    assert [one.data for one in again[::2]] == [one.data for one in first[::2]]


def test_what_is_gone_or_damaged_is_left_out(
    layout: Layout, segments: Sequence[Segment], caplog: pytest.LogCaptureFixture
) -> None:
    segments[0].path.unlink()
    segments[1].path.write_bytes(b"damaged")
    assert [one.name for one in made(layout).records(segments)] == names(segments)[2:]
    assert segments[1].path.name in caplog.text


def test_a_segment_that_is_being_written_is_not_in_the_index(layout: Layout) -> None:
    writing = recording(layout.recordings, segment_s=60).segments
    writing.write(packets_of(PLAIN)[:50])
    (segment,) = Ledger(layout.recordings).segments("cam-1", *EVER)
    (first,) = made(layout).records([segment])
    assert not layout.recording_index.exists()
    writing.write(packets_of(PLAIN)[50:100])
    (second,) = made(layout).records([segment])
    assert second.version.size_bytes > first.version.size_bytes
    writing.close()


def test_the_index_of_a_day_is_deleted_with_its_last_segment(
    layout: Layout, segments: Sequence[Segment]
) -> None:
    list(made(layout).records(segments))
    ledger = Ledger(layout.recordings)
    for segment in segments[:-1]:
        ledger.remove(segment)
    assert list(layout.recording_index.rglob("*.layouts"))
    ledger.remove(segments[-1])
    assert list(layout.recording_index.rglob("*.layouts")) == []


class CountingIndex(RecordingIndex):
    """Counts the hours that are read."""

    readings = 0

    def hour(self, camera_id: str, hour_ns: int) -> dict[str, StoredRecord]:
        self.readings += 1
        return super().hour(camera_id, hour_ns)


def test_an_hour_is_read_again_only_after_it_has_grown(
    layout: Layout, segments: Sequence[Segment], monkeypatch: pytest.MonkeyPatch
) -> None:
    index = CountingIndex(layout.recording_index)
    known, hour_ns = KnownHours(index), START_NS // NS_PER_HOUR * NS_PER_HOUR
    assert known.hour("cam-1", hour_ns) == {}
    index.add("cam-1", segments[0].start_ns, hashed_record(segments[0].path))
    for _ in range(2):
        assert set(known.hour("cam-1", hour_ns)) == {segments[0].path.name}
    assert index.readings == 1
    index.add("cam-1", segments[1].start_ns, hashed_record(segments[1].path))
    assert set(known.hour("cam-1", hour_ns)) == set(names(segments[:2]))
    assert index.readings == 2
    monkeypatch.setattr(layouts, "MOST_KNOWN_BYTES", 10)
    index.add("cam-1", segments[2].start_ns, hashed_record(segments[2].path))
    for _ in range(2):
        assert set(known.hour("cam-1", hour_ns)) == set(names(segments[:3]))
    assert index.readings == 4
