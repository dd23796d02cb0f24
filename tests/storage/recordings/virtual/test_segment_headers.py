"""The heads of segments are read once for each coding, and are those of the files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from domain.clock import NS_PER_HOUR
from domain.paths.data_layout import Layout
from storage.recordings.ledger import Ledger, Segment
from storage.recordings.served_segments import describe_head, read_head
from storage.recordings.virtual import segment_headers
from storage.recordings.virtual.layouts import RecordingIndex, hashed_record, version_of
from storage.recordings.virtual.segment_headers import HeadDescription, SegmentHeads
from tests.recorded import B_FRAMES, HEVC, PLAIN, packets_of, record, sound_of, with_sound

EVER = (0, 1 << 62)


def recorded(folder: Path) -> list[Segment]:
    """Return segments of several codings: plain, with sound, with B-frames and H.265."""
    plain = packets_of(PLAIN)[:150]
    sound = sound_of("aac", plain[0], 5.9)
    record(plain, folder / "plain")
    record(with_sound(plain, sound), folder / "sound", sound=sound)
    record(packets_of(B_FRAMES)[:150], folder / "b_frames")
    record(packets_of(HEVC)[:150], folder / "hevc")
    names = ("plain", "sound", "b_frames", "hevc")
    return [one for name in names for one in Ledger(folder / name).segments("cam-1", *EVER)]


def said(heads: SegmentHeads, one: Segment) -> HeadDescription:
    with one.path.open("rb") as file:
        version = version_of(file)
    hour_ns = one.start_ns // NS_PER_HOUR * NS_PER_HOUR
    return heads.of("cam-1", hour_ns, one.path, version)


def index_of(layout: Layout, segments: Sequence[Segment]) -> RecordingIndex:
    """Index segments, whose names are unique in an index."""
    index = RecordingIndex(layout.recording_index)
    for one in segments:
        index.add("cam-1", one.start_ns, hashed_record(one.path))
    return index


def test_they_are_those_of_the_files(tmp_path: Path) -> None:
    segments = recorded(tmp_path / "recordings")
    found: set[HeadDescription] = set()
    for number in range(0, len(segments), 3):  # of one coding, or of two
        some = segments[number : number + 3]
        heads = SegmentHeads(index_of(Layout(tmp_path / f"data-{number}"), some))
        for one in some:
            assert said(heads, one) == describe_head(read_head(one.path))
            found.add(said(heads, one))
    assert len(found) == 4


def test_a_file_is_opened_for_each_coding_and_for_each_that_the_index_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segments = [one for one in recorded(tmp_path / "recordings") if "plain" in str(one.path)]
    opened: list[Path] = []

    def noted(path: Path) -> bytes:
        opened.append(path)
        return read_head(path)

    monkeypatch.setattr(segment_headers, "read_head", noted)
    index = index_of(Layout(tmp_path / "data"), segments[:-1])
    heads = SegmentHeads(index)
    assert len({said(heads, one) for one in segments}) == 1
    assert opened == [segments[0].path, segments[-1].path]
    # A file that was replaced is opened, and one that is added to the index later is not.
    index.add("cam-1", segments[-1].start_ns, hashed_record(segments[-1].path))
    segments[1].path.write_bytes(segments[1].path.read_bytes()[:-200])
    opened.clear()
    assert len({said(heads, one) for one in segments}) == 1
    assert opened == [segments[1].path]
