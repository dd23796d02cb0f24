"""The checker of recordings: clean where the ledger is what the files hold, and each way in
which it may not be, found.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import NS_PER_MS, NS_PER_S, SystemClock
from domain.media.packets import Packet
from domain.paths.data_layout import Layout
from domain.paths.segment_name import SegmentName
from domain.recordings.gaps import Gap, GapCause
from storage.check_recordings import certain_pictures, check_recordings
from storage.findings import Breach
from storage.recordings.gaps.log import GapLog
from storage.recordings.ledger import Ledger, Segment
from storage.recordings.virtual.layout_records import read_record, write_record
from storage.recordings.virtual.layouts import RecordingIndex, hashed_record
from tests.recorded import (
    B_FRAMES,
    HEVC,
    PLAIN,
    START_NS,
    Material,
    packets_of,
    record,
    recording,
)

END_NS = START_NS + 12 * NS_PER_S


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def recorded(layout: Layout, material: Material = PLAIN) -> list[Segment]:
    record(packets_of(material), layout.recordings)
    return segments(layout)


def segments(layout: Layout) -> list[Segment]:
    return list(Ledger(layout.recordings).segments("cam-1", 0, 2 * START_NS))


def breaches(layout: Layout, decode: bool = False) -> list[Breach]:
    return [finding.breach for finding in check_recordings(layout, "cam-1", decode)]


@pytest.mark.parametrize("material", [PLAIN, B_FRAMES, HEVC], ids=["plain", "b_frames", "hevc"])
def test_what_the_recorder_writes_is_clean(layout: Layout, material: Material) -> None:
    assert len(recorded(layout, material)) > 3
    assert breaches(layout, decode=True) == []


def test_pictures_that_depend_on_a_missing_one_are_no_damage(layout: Layout) -> None:
    """The network lost a keyframe: later pictures cannot be decoded, and the file is complete."""
    packets = packets_of(PLAIN)
    lost = [n for n, packet in enumerate(packets) if packet.is_keyframe][1]
    record([*packets[:lost], *packets[lost + 1 :]], layout.recordings)
    assert breaches(layout, decode=True) == []


@pytest.mark.parametrize(
    ("pictures", "certain"),
    [
        ([], 0),
        ([(0, True)], 1),
        ([(0, True), (10, False), (20, False), (30, True)], 4),
        ([(0, True), (10, False), (30, False), (40, False), (50, True), (60, False)], 4),
        ([(0, True), (10, False), (20, False), (50, True), (60, False)], 5),
    ],
)
def test_what_must_decode(pictures: list[tuple[int, bool]], certain: int) -> None:
    assert certain_pictures(pictures) == certain


def test_no_camera_has_no_breach(layout: Layout) -> None:
    assert breaches(layout) == []


def test_a_hole_that_nothing_explains(layout: Layout) -> None:
    gone = recorded(layout)[2]
    gone.path.unlink()
    assert breaches(layout) == [Breach.HOLE_UNEXPLAINED]
    assert gone.end_ns is not None
    GapLog(layout, SystemClock()).add(Gap("cam-1", gone.start_ns, gone.end_ns, GapCause.DISK))
    assert breaches(layout) == []


def test_a_gap_of_what_is_recorded(layout: Layout) -> None:
    recorded(layout)
    GapLog(layout, SystemClock()).add(
        Gap("cam-1", START_NS + NS_PER_S, START_NS + 4 * NS_PER_S, GapCause.NETWORK)
    )
    assert breaches(layout) == [Breach.GAP_RECORDED]


def test_a_name_that_claims_more_than_the_file_has(layout: Layout) -> None:
    last = recorded(layout)[-1]
    assert last.end_ns is not None
    longer = last.path.name.replace(f"_{(last.end_ns - last.start_ns) // 1_000_000}_", "_7000_")
    last.path.rename(last.path.with_name(longer))
    assert breaches(layout) == [Breach.SEGMENT_DIFFERS]


def test_segments_of_one_fence_that_overlap(layout: Layout) -> None:
    record(packets_of(PLAIN), layout.recordings)
    record(packets_of(PLAIN, START_NS + NS_PER_S), layout.recordings)
    assert Breach.SEGMENTS_OVERLAP in breaches(layout)


def test_two_fences_may_overlap(layout: Layout) -> None:
    record(packets_of(PLAIN), layout.recordings)
    record(packets_of(PLAIN, START_NS + NS_PER_S), layout.recordings, fence=2)
    assert breaches(layout) == []


def test_a_torn_file(layout: Layout) -> None:
    torn = recorded(layout)[1].path
    torn.write_bytes(torn.read_bytes()[:-100])
    assert Breach.SEGMENT_DAMAGED in breaches(layout)


def test_pictures_that_cannot_be_decoded(layout: Layout) -> None:
    damaged = recorded(layout)[1].path
    data = bytearray(damaged.read_bytes())
    at = data.index(b"mdat") + 8
    data[at : at + 4000] = bytes(4000)
    damaged.write_bytes(data)
    assert Breach.SEGMENT_DAMAGED in breaches(layout, decode=True)


def renamed(segment: Segment, start_ms: int, duration_ms: int) -> None:
    segment.path.rename(
        segment.path.with_name(SegmentName("cam-1", start_ms, duration_ms, segment.fence).file_name)
    )


def test_a_camera_that_returned_early_cuts_the_name_before_it(layout: Layout) -> None:
    """What it had sent ahead lasts longer than the time until it was there again."""
    _, before, after, *_ = recorded(layout)
    assert before.end_ns is not None
    assert after.end_ns is not None
    early_ms, lasts_ms = (
        (after.start_ns - NS_PER_S // 2) // 1_000_000,
        (after.end_ns - after.start_ns) // 1_000_000,
    )
    renamed(before, before.start_ms, early_ms - before.start_ms)
    assert breaches(layout) == [Breach.SEGMENT_DIFFERS]
    renamed(after, early_ms, lasts_ms)
    assert breaches(layout) == []


def test_the_segment_after_a_camera_returned_may_still_be_open(layout: Layout) -> None:
    _, before, after, *later = recorded(layout)
    early_ms = (after.start_ns - NS_PER_S // 2) // NS_PER_MS
    renamed(before, before.start_ms, early_ms - before.start_ms)
    after.path.rename(after.path.with_name(f"cam-1_{early_ms}_open_{after.fence}.mp4"))
    for segment in later:
        segment.path.unlink()
    assert breaches(layout) == []


FEW_A_SECOND = Material(gop=4, length=40)
CONNECTION = st.tuples(
    st.lists(st.integers(500, 5000), min_size=1, max_size=30),
    st.integers(1500, 60_000),
)
"""Milliseconds between pictures, from 0.2 to 2 a second, and until the camera is back."""


def at_times(times_ms: list[int], start_ns: int, session: int) -> list[Packet]:
    """Pictures of one connection at these times after `start_ns`."""
    packets = packets_of(FEW_A_SECOND, session=session)
    return [
        replace(packet, pts=90 * ms, dts=90 * ms, wall_ns=start_ns + ms * NS_PER_MS)
        for packet, ms in zip(packets, times_ms, strict=False)
    ]


@given(st.lists(CONNECTION, min_size=1, max_size=5))
def test_a_camera_of_few_pictures_a_second_that_reconnects_is_recorded_without_a_breach(
    connections: list[tuple[list[int], int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        layout = Layout(Path(folder))
        made = recording(layout.recordings)
        start_ns = START_NS
        for session, (intervals_ms, pause_ms) in enumerate(connections):
            packets = at_times([0, *accumulate(intervals_ms)], start_ns, session)
            for packet in packets:
                made.segments.write([packet])
            start_ns = packets[-1].wall_ns + pause_ms * NS_PER_MS
        made.segments.close()
        log = GapLog(layout, SystemClock())
        for hole_start_ns, hole_end_ns, _ in made.holes:
            log.add(Gap("cam-1", hole_start_ns, hole_end_ns, GapCause.CAMERA_DOWN))
        assert check_recordings(layout, "cam-1") == []


@pytest.fixture
def indexed(layout: Layout) -> list[Segment]:
    """Segments with the hashes of their fragments in the recording index."""
    found = recorded(layout)
    index = RecordingIndex(layout.recording_index)
    for segment in found:
        index.add("cam-1", segment.start_ns, hashed_record(segment.path))
    return found


def test_a_flipped_bit_that_no_decoder_notices_is_found(
    layout: Layout, indexed: list[Segment]
) -> None:
    assert breaches(layout) == []
    path = indexed[1].path
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    (found,) = check_recordings(layout, "cam-1")
    assert (found.breach, found.subject) == (Breach.SEGMENT_DAMAGED, path.name)
    record_of_it = read_record(
        RecordingIndex(layout.recording_index).hour("cam-1", START_NS)[path.name]
    )
    assert found.message.endswith(f": {len(record_of_it.layout.fragments) - 1}")


def test_a_layout_that_is_not_that_of_its_file_is_found(
    layout: Layout, indexed: list[Segment]
) -> None:
    index = RecordingIndex(layout.recording_index)
    record_of_it = read_record(hashed_record(indexed[2].path))
    video = replace(record_of_it.layout.video, durations=record_of_it.layout.video.durations + 1)
    wrong = replace(record_of_it, layout=replace(record_of_it.layout, video=video))
    index.add("cam-1", indexed[2].start_ns, write_record(wrong))
    (found,) = check_recordings(layout, "cam-1")
    assert (found.breach, found.subject) == (Breach.LAYOUT_DIFFERS, indexed[2].path.name)


def test_a_deleted_index_is_no_violation(layout: Layout, indexed: list[Segment]) -> None:
    shutil.rmtree(layout.recording_index)
    assert breaches(layout) == []
