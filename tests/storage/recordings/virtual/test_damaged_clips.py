"""Clips of damaged recordings, and the check of a finished clip."""

from __future__ import annotations

import errno
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from domain.errors import DataLoss, NotFound, StoreError
from storage.mp4.demuxer import Mp4Reader, Sample
from storage.recordings.clip_check import verify
from storage.recordings.virtual.clip_sources import open_segments
from storage.recordings.virtual.clips import make_clip
from storage.recordings.virtual.layouts import RecordingIndex, hashed_record
from storage.recordings.virtual.reader import PartStream
from tests.clips import clip_of
from tests.recorded import PLAIN, packets_of, record
from tests.storage.recordings.virtual.cut_recordings import (
    codec_of,
    gaps_s,
    in_seconds,
    segments_in,
    wall_ns_at,
)


def test_a_damaged_segment_is_a_gap(tmp_path: Path) -> None:
    record(packets_of(PLAIN), tmp_path)
    second = segments_in(tmp_path)[1]
    second.path.write_bytes(second.path.read_bytes()[:-200])
    out = tmp_path / "clip.mp4"
    made = clip_of(segments_in(tmp_path), wall_ns_at(1), wall_ns_at(6), out)
    ((start_s, end_s),) = gaps_s(made)
    assert 2 < start_s < 4
    assert end_s == 4
    verify(out, made.start_ns, wall_ns_at(1), wall_ns_at(6), made.gaps_ms)
    with pytest.raises(DataLoss, match="lacks"):
        verify(out, made.start_ns, wall_ns_at(1), wall_ns_at(7), made.gaps_ms)


@pytest.fixture
def hashed(tmp_path: Path) -> Path:
    """Segments of about 2 s whose fragments the recorder hashed."""
    record(packets_of(PLAIN), tmp_path)
    index = RecordingIndex(tmp_path / "index")
    for segment in segments_in(tmp_path):
        index.add("cam-1", segment.start_ns, hashed_record(segment.path))
    return tmp_path


def test_a_damaged_fragment_is_a_gap_that_is_reported(hashed: Path) -> None:
    """One byte of a picture is flipped, so only the hash of its fragment differs."""
    out, damaged = hashed / "clip.mp4", list[int]()
    whole = clip_of(
        segments_in(hashed), wall_ns_at(1), wall_ns_at(9), out, hashed / "index", damaged
    )
    intact = out.read_bytes()
    assert (whole.damaged_ms, whole.hashed_late_ms, damaged) == ((), (), [])
    path = segments_in(hashed)[1].path
    data = bytearray(path.read_bytes())
    data[-50] ^= 1
    path.write_bytes(data)
    made = clip_of(
        segments_in(hashed), wall_ns_at(1), wall_ns_at(9), out, hashed / "index", damaged
    )
    assert len(damaged) == 1
    assert made.gaps_ms == made.damaged_ms
    ((start_s, end_s),) = gaps_s(made)
    assert 2 < start_s < end_s == 4
    verify(out, made.start_ns, wall_ns_at(1), wall_ns_at(9), made.gaps_ms)
    assert bytes(data[-100:]) not in out.read_bytes()
    assert len(out.read_bytes()) < len(intact)


@pytest.mark.parametrize("error", [OSError(errno.EIO, "I/O error"), NotFound("it was deleted")])
def test_a_segment_that_cannot_be_read_is_a_gap_and_not_damaged(
    hashed: Path, error: Exception
) -> None:
    def fail(offset: int, length_bytes: int) -> PartStream:
        raise error

    out = hashed / "clip.mp4"
    with ExitStack() as held:
        sources = open_segments(segments_in(hashed), RecordingIndex(hashed / "index"), held)
        sources[1] = replace(sources[1], open_part=fail)
        made = make_clip(
            sources, wall_ns_at(1), wall_ns_at(9), out, lambda _, __: pytest.fail("damaged")
        )
        assert gaps_s(made) == [(2, 4)]
        assert made.damaged_ms == ()
        verify(out, made.start_ns, wall_ns_at(1), wall_ns_at(9), made.gaps_ms)
        with pytest.raises(DataLoss, match="nothing recorded between"):
            make_clip([sources[1]], wall_ns_at(2.5), wall_ns_at(3.5), out, lambda _, __: None)


def test_a_process_without_free_descriptors_makes_the_clip_later(hashed: Path) -> None:
    def fail(offset: int, length_bytes: int) -> PartStream:
        raise OSError(errno.EMFILE, "Too many open files")

    with ExitStack() as held:
        sources = open_segments(segments_in(hashed), RecordingIndex(hashed / "index"), held)
        sources[1] = replace(sources[1], open_part=fail)
        with pytest.raises(StoreError, match="cannot be opened now"):
            make_clip(
                sources, wall_ns_at(1), wall_ns_at(9), hashed / "clip.mp4", lambda _, __: None
            )


def test_a_clip_names_what_the_recorder_did_not_hash(hashed: Path) -> None:
    second = segments_in(hashed)[1]
    second.path.write_bytes(second.path.read_bytes() + b"\0" * 8)  # another version of the file
    made = clip_of(
        segments_in(hashed), wall_ns_at(1), wall_ns_at(9), hashed / "clip.mp4", hashed / "index"
    )
    assert in_seconds(made.hashed_late_ms) == [(2, 4)]
    without = clip_of(segments_in(hashed), wall_ns_at(1), wall_ns_at(9), hashed / "clip.mp4")
    assert in_seconds(without.hashed_late_ms) == [(1, 9)]


def test_a_clip_of_which_all_is_damaged_is_refused(hashed: Path) -> None:
    damaged = list[int]()
    for segment in segments_in(hashed):
        data = bytearray(segment.path.read_bytes())
        for at in range(data.index(b"moof"), len(data), 50):
            data[at] ^= 1
        segment.path.write_bytes(data)
    with pytest.raises(DataLoss, match="is damaged"):
        clip_of(
            segments_in(hashed),
            wall_ns_at(1),
            wall_ns_at(5),
            hashed / "clip.mp4",
            hashed / "index",
            damaged,
        )
    assert damaged
    assert not (hashed / "clip.mp4").exists()


def test_a_clip_that_cannot_be_written_leaves_nothing(
    recordings: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(StoreError):
        clip_of(
            segments_in(recordings["plain"]),
            wall_ns_at(1),
            wall_ns_at(2),
            tmp_path / "absent" / "clip.mp4",
        )


def test_verify_refuses_what_is_no_clip_of_the_moment(
    recordings: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "clip.mp4"
    made = clip_of(segments_in(recordings["plain"]), wall_ns_at(2), wall_ns_at(5), out)
    whole = out.read_bytes()
    for asked in ((1.5, 5), (2, 5.5), (7, 8), (7, 7), (1.9, 1.9)):
        with pytest.raises(DataLoss, match="lacks"):
            verify(out, made.start_ns, wall_ns_at(asked[0]), wall_ns_at(asked[1]))
    for damaged in (whole[: len(whole) // 2], whole[:40], b"", b"\0" * 1_000):
        out.write_bytes(damaged)
        with pytest.raises(DataLoss):
            verify(out, made.start_ns, wall_ns_at(2), wall_ns_at(5))
    out.unlink()
    with pytest.raises(DataLoss):
        verify(out, made.start_ns, wall_ns_at(2), wall_ns_at(5))


def test_of_a_clip_whose_pictures_are_proven_none_is_decoded_and_the_head_is_checked(
    recordings: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "clip.mp4"
    made = clip_of(segments_in(recordings["plain"]), wall_ns_at(2), wall_ns_at(5), out)
    decoded: list[Sample] = []
    monkeypatch.setattr(Mp4Reader, "decode", lambda reader, sample: decoded.append(sample))
    verify(out, made.start_ns, wall_ns_at(2), wall_ns_at(5), made.gaps_ms, is_proven=True)
    assert decoded == []
    verify(out, made.start_ns, wall_ns_at(2), wall_ns_at(5), made.gaps_ms)
    assert len(decoded) == 1
    with pytest.raises(DataLoss, match="lacks"):
        verify(out, made.start_ns, wall_ns_at(2), wall_ns_at(5.5), is_proven=True)
    whole = out.read_bytes()
    with Mp4Reader(out) as reader:
        first = next(iter(reader)).data
    no_slice = (len(first) - 4).to_bytes(4) + bytes(len(first) - 4)
    torn = first[:3] + bytes([first[3] ^ 1]) + first[4:]
    for damaged in (no_slice, torn, bytes(len(first))):
        out.write_bytes(whole.replace(first, damaged))
        with pytest.raises(DataLoss, match="cannot be decoded"):
            verify(out, made.start_ns, wall_ns_at(2), wall_ns_at(5), made.gaps_ms, is_proven=True)


def test_the_first_picture_of_a_proven_clip_in_h265_is_checked_by_its_unit_types(
    recordings: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "clip.mp4"
    made = clip_of(segments_in(recordings["hevc"]), wall_ns_at(2), wall_ns_at(5), out)
    assert codec_of(out) == "hevc"
    verify(out, made.start_ns, wall_ns_at(2), wall_ns_at(5), made.gaps_ms, is_proven=True)
