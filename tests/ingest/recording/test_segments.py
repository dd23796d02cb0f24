from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from domain.clock import NS_PER_HOUR, NS_PER_MS, NS_PER_S
from domain.media.packets import Packet
from domain.paths.segment_name import SegmentName
from domain.recordings.gaps import GapCause
from storage.mp4.boxes import whole_bytes
from storage.mp4.demuxer import Mp4Reader
from storage.recordings.ledger import Ledger
from tests.recorded import (
    B_FRAMES,
    HEVC,
    KINDS,
    LONG_GOP,
    PLAIN,
    START_NS,
    Material,
    as_read,
    nals,
    nals_of_file,
    packets_of,
    record,
    recording,
    sound_of,
    with_sound,
)
from tests.small_disk import disk_takes

EVER = (0, START_NS * 2)


def _files(folder: Path) -> list[Path]:
    return [segment.path for segment in Ledger(folder).segments("cam-1", *EVER)]


def _slices(packet: Packet) -> list[str]:
    return nals(packet.data, is_annex_b=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("in_band", [True, False])
def test_files_hold_the_cameras_bytes_and_abut(kind: str, in_band: bool, tmp_path: Path) -> None:
    packets = packets_of(KINDS[kind], in_band=in_band)
    segments = record(packets, tmp_path).segments
    files = _files(tmp_path)
    stored = [unit for file in files for unit in nals_of_file(file)]
    # hvc1 keeps parameter sets in the header alone, as its standard wants; every other unit is
    # where it was
    sent = [_slices(packet) for packet in packets]
    if KINDS[kind].codec == "hevc":
        sent = [
            [unit for unit in units if unit in kept]
            for units, kept in zip(sent, stored, strict=True)
        ]
        assert all(sent)
    assert stored == sent
    names = [SegmentName.parse(file.name) for file in files]
    for before, after in pairwise(names):
        assert before is not None
        assert after is not None
        assert before.end_ms == after.start_ms
    assert names[0] is not None
    assert names[0].start_ns == START_NS
    assert segments.lost_packets == 0
    assert segments.recorded_until_ns == START_NS + 12 * NS_PER_S


@pytest.mark.parametrize("material", [PLAIN, LONG_GOP, HEVC], ids=str)
def test_batches_are_written_like_single_packets(material: Material, tmp_path: Path) -> None:
    """Bit for bit, with a hole and another session among them."""
    packets = [
        *packets_of(material)[:130],
        *packets_of(material)[180:],
        *packets_of(material, session=2),
    ]
    files = []
    for way in (list, as_read):
        segments = recording(tmp_path / way.__name__, fence=7, segment_s=2).segments
        for at in range(0, len(packets), 10):
            segments.write(way(packets[at : at + 10]))
        segments.close()
        files.append([(file.name, file.read_bytes()) for file in _files(tmp_path / way.__name__)])
    assert files[0] == files[1]
    assert len(files[0]) > 2


def test_pictures_keep_their_times(tmp_path: Path) -> None:
    for material in (PLAIN, B_FRAMES):
        folder = tmp_path / str(material.b_frames)
        packets = packets_of(material)
        record(packets, folder)
        walls = []
        for file in _files(folder):
            name = SegmentName.parse(file.name)
            assert name is not None
            with Mp4Reader(file) as reader:
                samples = list(reader)
                walls += [
                    name.start_ns
                    + round((s.pts - samples[0].pts) * reader.parameters.time_base * NS_PER_S)
                    for s in samples
                ]
        assert walls == [packet.wall_ns for packet in packets]


@pytest.mark.parametrize("material", [PLAIN, B_FRAMES, LONG_GOP, HEVC], ids=str)
def test_what_is_reported_as_readable_is_while_the_file_is_open(
    material: Material, tmp_path: Path
) -> None:
    """A reader of the open file has each picture before `recorded_until_ns`, which is never
    more than a fragment behind.
    """
    segments = recording(tmp_path, fence=7, segment_s=60).segments
    packets = packets_of(material)
    for at in range(0, 100, 20):
        segments.write(packets[at : at + 20])
        (file,) = _files(tmp_path)
        assert file.name == f"cam-1_{START_NS // NS_PER_MS}_open_7.mp4"
        said = {p.wall_ns for p in packets if p.wall_ns < segments.recorded_until_ns}
        with Mp4Reader(file, whole_bytes(file)) as reader:
            assert sum(1 for _ in reader) == at + 20
        assert said <= {p.wall_ns for p in packets[: at + 20]}
        assert len(said) >= at + 20 - material.b_frames - 1
    segments.close()


def test_a_session_with_an_earlier_clock_overwrites_nothing(tmp_path: Path) -> None:
    segments = record(packets_of(PLAIN)[:50] + packets_of(PLAIN, session=2)[:50], tmp_path).segments
    assert segments.lost_packets == 0
    assert sorted(len(nals_of_file(file)) for file in _files(tmp_path)) == [50, 50]


def test_a_clock_set_back_between_sessions_leaves_no_overlap(tmp_path: Path) -> None:
    earlier = packets_of(PLAIN, start_ns=START_NS + NS_PER_S, session=2)[:25]
    record(packets_of(PLAIN)[:50] + earlier, tmp_path)
    first, second = (SegmentName.parse(file.name) for file in _files(tmp_path))
    assert first is not None
    assert second is not None
    assert first.end_ms == second.start_ms


def test_a_wall_clock_that_was_set_forward_is_a_hole_and_no_recording(tmp_path: Path) -> None:
    """The camera's own stream goes on without a break, and yet nothing is recorded of the hour
    that never was.
    """
    packets = packets_of(PLAIN)
    half = next(
        at for at, packet in enumerate(packets) if packet.is_keyframe and at > len(packets) // 2
    )
    set_forward = [
        replace(packet, wall_ns=packet.wall_ns + NS_PER_HOUR) for packet in packets[half:]
    ]
    record(packets[:half] + set_forward, tmp_path)
    segments = Ledger(tmp_path).segments("cam-1", *EVER)
    recorded_ns = sum((segment.end_ns or 0) - segment.start_ns for segment in segments)
    sent_ns = packets[-1].wall_ns - packets[0].wall_ns
    assert abs(recorded_ns - sent_ns) < NS_PER_S
    assert (
        max(after.start_ns - (before.end_ns or 0) for before, after in pairwise(segments))
        > 3590 * NS_PER_S
    )


def test_a_camera_without_parameter_sets_is_refused_in_words(tmp_path: Path) -> None:
    packet = packets_of(PLAIN)[0]
    made = recording(tmp_path)
    made.segments.write([replace(packet, data=b"\0\0\0\1\x65" + packet.data[-50:])])
    assert "sends no parameter sets" in made.failures[0]
    assert made.segments.lost_packets == 1


def test_a_full_disk_costs_the_rest_of_its_segment_and_is_a_hole(tmp_path: Path) -> None:
    made = recording(tmp_path)
    packets = packets_of(PLAIN)
    for at in range(0, 300, 20):
        with disk_takes(3_000 if 50 < at < 100 else 1 << 30):
            made.segments.write(packets[at : at + 20])
    made.segments.close()
    stored = [unit for file in _files(tmp_path) for unit in nals_of_file(file)]
    sent = [_slices(packet) for packet in packets]
    assert made.failures
    assert all("File too large" in said for said in made.failures)
    assert len(stored) == 300 - made.segments.lost_packets < 300
    assert stored[:50] == sent[:50]
    assert stored[-200:] == sent[-200:]
    assert made.holes == [(*_only_hole(tmp_path), GapCause.DISK)]


def test_a_disk_that_refuses_the_last_sound_of_a_segment_leaves_the_segment_finished(
    tmp_path: Path,
) -> None:
    made = recording(tmp_path)
    packets = packets_of(PLAIN)[:75]
    sound = sound_of("pcm_alaw", packets[0], 2.0)
    made.segments.write(with_sound(packets, sound))  # The second segment begins after 2 s.
    with disk_takes(1_000):
        made.segments.write((), sound)
    made.segments.close()
    assert [said for said in made.failures if "File too large" in said]
    assert Ledger(tmp_path).open_segments("cam-1") == ()
    assert [len(nals_of_file(file)) for file in _files(tmp_path)] == [50, 25]
    assert made.segments.lost_packets == 0
    assert made.holes == []


def _only_hole(folder: Path) -> tuple[int, int]:
    segments = Ledger(folder).segments("cam-1", *EVER)
    ((end_ns, start_ns),) = [
        (a.end_ns or 0, b.start_ns)
        for a, b in pairwise(segments)
        if b.start_ns - (a.end_ns or 0) > NS_PER_S
    ]
    return end_ns, start_ns


def test_a_folder_that_cannot_be_written_is_tried_again_at_each_keyframe(tmp_path: Path) -> None:
    (tmp_path / "cam-1").write_text("a file where a folder should be")
    made = recording(tmp_path)
    packets = packets_of(PLAIN)[:75]
    made.segments.write(packets[:50])
    (tmp_path / "cam-1").unlink()
    made.segments.write(packets[50:])
    made.segments.close()
    assert len(made.failures) == 2
    assert made.segments.lost_packets == 50
    assert [len(nals_of_file(file)) for file in _files(tmp_path)] == [25]
    assert made.holes == [(packets[0].wall_ns, packets[50].wall_ns, GapCause.DISK)]


def test_a_camera_that_was_away_is_a_hole_of_which_the_recorder_knows_no_cause(
    tmp_path: Path,
) -> None:
    packets = packets_of(PLAIN)
    again = packets_of(PLAIN, start_ns=START_NS + 9 * NS_PER_S, session=2)
    made = record(packets[:60] + again[:60], tmp_path)
    assert made.holes == [(*_only_hole(tmp_path), None)]
    assert made.holes[0][0] == START_NS + 60 * PLAIN.frame_ns


def test_packets_without_a_keyframe_after_a_hole_are_a_hole_by_the_decoder(tmp_path: Path) -> None:
    packets = packets_of(LONG_GOP)
    late = [
        replace(p, pts=p.pts + 2 * 90_000, dts=p.dts + 2 * 90_000, wall_ns=p.wall_ns + 2 * NS_PER_S)
        for p in packets
    ]
    made = record(packets[:60] + late[60:], tmp_path)
    assert made.holes == [(*_only_hole(tmp_path), GapCause.DECODER)]
    assert made.segments.lost_packets == 140


def test_less_than_a_second_is_no_hole(tmp_path: Path) -> None:
    again = packets_of(PLAIN, start_ns=START_NS + 2 * NS_PER_S + NS_PER_S // 2, session=2)
    assert record(packets_of(PLAIN)[:50] + again, tmp_path).holes == []
