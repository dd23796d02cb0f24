"""Clips that are cut from segments: their range, their gaps, and their packets."""

from __future__ import annotations

import hashlib
import subprocess
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import pytest
from av.bitstream import BitStreamFilterContext
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from domain.clock import NS_PER_MS, NS_PER_S
from domain.errors import NotFound
from domain.media.packets import Packet
from storage.mp4.demuxer import Mp4Reader
from storage.mp4.file_headers import MOVIE_SCALE
from storage.recordings.clip_check import verify
from storage.recordings.ledger import Segment
from storage.recordings.virtual.clip_sources import open_segments
from storage.recordings.virtual.clips import make_clip
from storage.recordings.virtual.layouts import RecordingIndex
from tests.clips import clip_of
from tests.examples import examples
from tests.footage import Footage
from tests.recorded import (
    B_FRAMES,
    HEVC,
    KINDS,
    LONG_GOP,
    PLAIN,
    START_NS,
    Material,
    nals_of_file,
    packets_of,
    record,
    recording,
)
from tests.storage.recordings.virtual.cut_recordings import (
    codec_of,
    delayed,
    duration_s,
    first_shown,
    gaps_s,
    in_seconds,
    seconds_of,
    segments_in,
    wall_ns_at,
)

LAST_PICTURE_S = 11.96
"""When the last picture of a recording of 12 s begins."""


def test_segments_that_are_deleted_while_a_clip_is_made_are_read_to_their_ends(
    tmp_path: Path,
) -> None:
    record(packets_of(PLAIN), tmp_path)
    listed, out = segments_in(tmp_path), tmp_path / "clip.mp4"
    whole = clip_of(listed, wall_ns_at(1), wall_ns_at(9), out)
    with ExitStack() as held:
        sources = open_segments(listed, RecordingIndex(tmp_path / "none"), held)
        for segment in listed:
            segment.path.unlink()
        made = make_clip(
            sources, wall_ns_at(1), wall_ns_at(9), out, lambda _source, _fragment: None
        )
    assert made == whole


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("from_s", "to_s"), [(0.5, 3), (3.36, 9.5), (4, 6)])
def test_a_clip_shows_the_asked_moment_first_and_holds_the_recorded_bytes(
    kind: str, from_s: float, to_s: float, recordings: dict[str, Path], tmp_path: Path, ffmpeg: str
) -> None:
    out = tmp_path / "clip.mp4"
    made = clip_of(segments_in(recordings[kind]), wall_ns_at(from_s), wall_ns_at(to_s), out)
    verify(out, made.start_ns, wall_ns_at(from_s), wall_ns_at(to_s), made.gaps_ms)
    assert made.gaps_ms == ()
    assert made.start_ns == wall_ns_at(from_s)
    assert to_s <= seconds_of(made.end_ns) <= to_s + 0.04 * (KINDS[kind].b_frames + 3)
    assert abs(first_shown(out, ffmpeg) - from_s * 25) <= 1
    assert abs(duration_s(out, ffmpeg) - (seconds_of(made.end_ns) - from_s)) <= 0.04
    assert codec_of(out) == KINDS[kind].codec
    assert made.sha256 == hashlib.sha256(out.read_bytes()).hexdigest()
    assert made.size_bytes == out.stat().st_size
    stored = [
        unit for segment in segments_in(recordings[kind]) for unit in nals_of_file(segment.path)
    ]
    clip = nals_of_file(out)
    assert clip in [stored[at : at + len(clip)] for at in range(len(stored))]


@given(from_s=st.floats(-3, 13), length_s=st.floats(0.05, 14), kind=st.sampled_from(sorted(KINDS)))
@settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example(from_s=11.96875, length_s=0.0625, kind="b_frames")
@example(from_s=11.96875, length_s=1.0, kind="b_frames")
def test_the_requested_range_is_in_the_clip_or_in_its_gaps(
    from_s: float, length_s: float, kind: str, recordings: dict[str, Path], tmp_path: Path
) -> None:
    from_ns, to_ns, out = wall_ns_at(from_s), wall_ns_at(from_s + length_s), tmp_path / "clip.mp4"
    try:
        made = clip_of(segments_in(recordings[kind]), from_ns, to_ns, out)
    except NotFound:
        assert from_s + length_s <= 0.001 or from_s >= 11.9
        assert not out.exists()
        return
    verify(out, made.start_ns, from_ns, to_ns, made.gaps_ms)
    assert wall_ns_at(min(max(0, from_s), LAST_PICTURE_S)) <= made.start_ns + 1
    asked_in_recording_ns = min(to_ns, wall_ns_at(12)) - max(from_ns, wall_ns_at(0))
    gaps_ns = sum(end - start for start, end in made.gaps_ms) * NS_PER_MS
    assert abs(to_ns - from_ns - asked_in_recording_ns - gaps_ns) <= 201 * NS_PER_MS
    with Mp4Reader(out) as reader:
        times = [sample.dts for sample in reader]
    assert all(before < after for before, after in pairwise(times))


def test_a_gap_is_as_long_in_the_clip_and_reported(tmp_path: Path, ffmpeg: str) -> None:
    packets = packets_of(PLAIN)
    record(packets[:100] + delayed(packets[100:], 3), tmp_path)
    out = tmp_path / "clip.mp4"
    made = clip_of(segments_in(tmp_path), wall_ns_at(3), wall_ns_at(9), out)
    assert gaps_s(made) == [(4, 7)]
    verify(out, made.start_ns, wall_ns_at(3), wall_ns_at(9), made.gaps_ms)
    assert abs(duration_s(out, ffmpeg) - 6) <= 0.04
    with Mp4Reader(out) as reader:
        times = [sample.pts for sample in reader]
    assert max(after - before for before, after in pairwise(times)) == round(3.04 * MOVIE_SCALE)


def test_a_hole_between_keyframes_lasts_until_the_next(tmp_path: Path) -> None:
    packets = packets_of(PLAIN)
    record(packets[:110] + delayed(packets[110:], 5), tmp_path, segment_s=60)
    made = clip_of(segments_in(tmp_path), wall_ns_at(3), wall_ns_at(12), tmp_path / "clip.mp4")
    assert gaps_s(made) == [(4.4, 10)]


def test_sessions_of_equal_parameters_are_joined(tmp_path: Path) -> None:
    again = packets_of(PLAIN, start_ns=wall_ns_at(4.5), session=2)
    record(packets_of(PLAIN)[:100] + again[:100], tmp_path)
    out = tmp_path / "clip.mp4"
    made = clip_of(segments_in(tmp_path), wall_ns_at(3), wall_ns_at(7), out)
    assert gaps_s(made) == [(4, 4.5)]
    assert len(nals_of_file(out)) == 25 + 63  # from 3.0 to 4.0 and from 4.5 to 7.0


@pytest.mark.parametrize(
    ("from_s", "to_s", "codec", "gap"), [(1, 5, "h264", (4, 5)), (3, 8, "hevc", (3, 4))]
)
def test_where_parameters_change_the_side_with_most_of_the_range_is_clip_of(
    from_s: float, to_s: float, codec: str, gap: tuple[float, float], tmp_path: Path
) -> None:
    record(packets_of(PLAIN)[:100] + packets_of(HEVC, start_ns=wall_ns_at(4), session=2), tmp_path)
    out = tmp_path / "clip.mp4"
    made = clip_of(segments_in(tmp_path), wall_ns_at(from_s), wall_ns_at(to_s), out)
    assert codec_of(out) == codec
    assert gaps_s(made) == [gap]
    assert made.start_ns == wall_ns_at(max(from_s, 4 if codec == "hevc" else 0))
    assert in_seconds(made.apart_ms) == [gap]
    verify(out, made.start_ns, wall_ns_at(from_s), wall_ns_at(to_s), made.gaps_ms)


def test_recorded_twice_no_packet_is_there_twice(tmp_path: Path) -> None:
    packets = packets_of(PLAIN)
    record(packets[:200], tmp_path, fence=1)
    record(packets[100:], tmp_path, fence=2)
    out = tmp_path / "clip.mp4"
    made = clip_of(segments_in(tmp_path), wall_ns_at(0), wall_ns_at(12), out)
    assert made.gaps_ms == ()
    assert len(nals_of_file(out)) == 300


@pytest.mark.parametrize("material", [PLAIN, B_FRAMES, LONG_GOP, HEVC], ids=str)
def test_a_clip_is_cut_from_the_segment_being_written(material: Material, tmp_path: Path) -> None:
    segments = recording(tmp_path, segment_s=10).segments
    packets = packets_of(material)[:100]
    for at in range(0, 100, 20):
        segments.write(packets[at : at + 20])
    out = tmp_path / "clip.mp4"
    made = clip_of(segments_in(tmp_path), wall_ns_at(0.6), segments.recorded_until_ns, out)
    verify(out, made.start_ns, wall_ns_at(0.6), segments.recorded_until_ns)
    assert made.gaps_ms == ()
    listed = segments_in(tmp_path)
    segments.close()
    again = clip_of(
        listed, wall_ns_at(0.6), segments.recorded_until_ns, out
    )  # listed while open, and renamed since
    assert again.gaps_ms == ()


def test_nothing_recorded_is_reported(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing is recorded between 2025-10-09"):
        clip_of((), wall_ns_at(0), wall_ns_at(1), tmp_path / "clip.mp4")
    gone = Segment(tmp_path / "gone.mp4", "cam-1", wall_ns_at(0), wall_ns_at(10), 1)
    with pytest.raises(NotFound):
        clip_of((gone,), wall_ns_at(0), wall_ns_at(1), tmp_path / "clip.mp4")


def test_a_clip_of_a_film(footage: Footage, tmp_path: Path, ffmpeg: str) -> None:
    """The bytes of a real encoder's video, through segments into a clip: ffmpeg sees the same
    pictures in the source and in the clip.
    """
    source = footage.plates
    packets = _packets_of_file(source)[:250]
    record(packets, tmp_path, segment_s=2)
    out = tmp_path / "clip.mp4"
    first = packets[0].wall_ns
    asked = (first + 3 * NS_PER_S, first + 6 * NS_PER_S)
    made = clip_of(segments_in(tmp_path), *asked, out)
    verify(out, made.start_ns, *asked, made.gaps_ms)
    assert made.gaps_ms == ()
    assert _hashes(out, 0, 3, ffmpeg) == _hashes(source, 3, 3, ffmpeg)


def _packets_of_file(path: Path) -> list[Packet]:
    template = packets_of(PLAIN)[0]
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        assert video.time_base is not None
        to_annex_b = BitStreamFilterContext("h264_mp4toannexb", video)
        stream = replace(
            template.stream,
            width_px=video.width,
            height_px=video.height,
            time_base=video.time_base,
            extradata=b"",
        )
        raw = [made for packet in container.demux(video) for made in to_annex_b.filter(packet)]
        return [
            replace(
                template,
                stream=stream,
                data=bytes(packet),
                pts=packet.pts,
                dts=packet.dts,
                is_keyframe=packet.is_keyframe,
                wall_ns=START_NS + round(packet.pts * video.time_base * NS_PER_S),
            )
            for packet in raw
            if packet.pts is not None and packet.dts is not None
        ]


def _hashes(path: Path, from_s: float, length_s: float, ffmpeg: str) -> list[str]:
    scale = ["-vf", "scale=160:-2", "-f", "framemd5", "-"]
    command = [
        ffmpeg,
        "-v",
        "error",
        "-i",
        str(path),
        "-ss",
        str(from_s),
        "-t",
        str(length_s),
        "-an",
        *scale,
    ]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [line.rsplit(",", 1)[1].strip() for line in lines if line and not line.startswith("#")]
