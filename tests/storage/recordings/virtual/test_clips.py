from __future__ import annotations

import errno
import hashlib
import json
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
from domain.errors import DataLoss, NotFound, StoreError
from domain.media.packets import AudioPacket, Packet
from storage.mp4.demuxer import Mp4Reader, Sample
from storage.mp4.file_headers import MOVIE_SCALE
from storage.recordings.clip_check import verify
from storage.recordings.ledger import Ledger, Segment
from storage.recordings.virtual.clip_sources import open_segments
from storage.recordings.virtual.clips import ClipFile, make_clip
from storage.recordings.virtual.layouts import RecordingIndex, hashed_record
from storage.recordings.virtual.reader import PartStream
from storage.recordings.virtual.virtual_file import Ranges
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
    number_in,
    packets_of,
    record,
    recording,
    sound_of,
    with_sound,
)

EVER = (0, START_NS * 2)
LAST_PICTURE_S = 11.96
"""When the last picture of a recording of 12 s begins."""


def _ns(seconds: float) -> int:
    return START_NS + round(seconds * NS_PER_S)


def _s(wall_ns: int) -> float:
    return (wall_ns - START_NS) / NS_PER_S


def _in_seconds(ranges_ms: Ranges) -> list[tuple[float, float]]:
    return [(_s(start * NS_PER_MS), _s(end * NS_PER_MS)) for start, end in ranges_ms]


def _gaps_s(made: ClipFile) -> list[tuple[float, float]]:
    return _in_seconds(made.gaps_ms)


def test_segments_that_are_deleted_while_a_clip_is_made_are_read_to_their_ends(
    tmp_path: Path,
) -> None:
    record(packets_of(PLAIN), tmp_path)
    listed, out = _segments(tmp_path), tmp_path / "clip.mp4"
    whole = clip_of(listed, _ns(1), _ns(9), out)
    with ExitStack() as held:
        sources = open_segments(listed, RecordingIndex(tmp_path / "none"), held)
        for segment in listed:
            segment.path.unlink()
        made = make_clip(sources, _ns(1), _ns(9), out, lambda _source, _fragment: None)
    assert made == whole


def _codec(clip: Path) -> str:
    with Mp4Reader(clip) as reader:
        return reader.parameters.codec


def _segments(folder: Path) -> tuple[Segment, ...]:
    return Ledger(folder).segments("cam-1", *EVER)


def _late(packets: list[Packet], seconds: float) -> list[Packet]:
    ticks, ns = round(seconds * 90_000), round(seconds * NS_PER_S)
    return [
        replace(p, pts=p.pts + ticks, dts=p.dts + ticks, wall_ns=p.wall_ns + ns) for p in packets
    ]


def _first_shown(clip: Path, ffmpeg: str) -> int:
    """The number of the frame that ffmpeg shows first; it heeds the edit list as players do."""
    picture = clip.with_suffix(".png")
    subprocess.run(
        [ffmpeg, "-v", "error", "-y", "-i", str(clip), "-frames:v", "1", str(picture)], check=True
    )
    with av.open(str(picture)) as container:
        return number_in(next(container.decode(video=0)))


def _duration_s(clip: Path, ffmpeg: str) -> float:
    probe = str(Path(ffmpeg).with_name("ffprobe"))
    command = [probe, "-v", "error", "-show_entries", "format=duration", "-of", "json", str(clip)]
    probed = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return float(probed["format"]["duration"])


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """12 s of each kind of stream, in segments of about 2 s."""
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in KINDS}
    for kind, folder in folders.items():
        record(packets_of(KINDS[kind]), folder)
    return folders


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("from_s", "to_s"), [(0.5, 3), (3.36, 9.5), (4, 6)])
def test_a_clip_shows_the_asked_moment_first_and_holds_the_recorded_bytes(
    kind: str, from_s: float, to_s: float, recordings: dict[str, Path], tmp_path: Path, ffmpeg: str
) -> None:
    out = tmp_path / "clip.mp4"
    made = clip_of(_segments(recordings[kind]), _ns(from_s), _ns(to_s), out)
    verify(out, made.start_ns, _ns(from_s), _ns(to_s), made.gaps_ms)
    assert made.gaps_ms == ()
    assert made.start_ns == _ns(from_s)
    assert to_s <= _s(made.end_ns) <= to_s + 0.04 * (KINDS[kind].b_frames + 3)
    assert abs(_first_shown(out, ffmpeg) - from_s * 25) <= 1
    assert abs(_duration_s(out, ffmpeg) - (_s(made.end_ns) - from_s)) <= 0.04
    assert _codec(out) == KINDS[kind].codec
    assert made.sha256 == hashlib.sha256(out.read_bytes()).hexdigest()
    assert made.size_bytes == out.stat().st_size
    stored = [
        unit for segment in _segments(recordings[kind]) for unit in nals_of_file(segment.path)
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
    from_ns, to_ns, out = _ns(from_s), _ns(from_s + length_s), tmp_path / "clip.mp4"
    try:
        made = clip_of(_segments(recordings[kind]), from_ns, to_ns, out)
    except NotFound:
        assert from_s + length_s <= 0.001 or from_s >= 11.9
        assert not out.exists()
        return
    verify(out, made.start_ns, from_ns, to_ns, made.gaps_ms)
    assert _ns(min(max(0, from_s), LAST_PICTURE_S)) <= made.start_ns + 1
    asked_in_recording_ns = min(to_ns, _ns(12)) - max(from_ns, _ns(0))
    gaps_ns = sum(end - start for start, end in made.gaps_ms) * NS_PER_MS
    assert abs(to_ns - from_ns - asked_in_recording_ns - gaps_ns) <= 201 * NS_PER_MS
    with Mp4Reader(out) as reader:
        times = [sample.dts for sample in reader]
    assert all(before < after for before, after in pairwise(times))


def test_a_gap_is_as_long_in_the_clip_and_reported(tmp_path: Path, ffmpeg: str) -> None:
    packets = packets_of(PLAIN)
    record(packets[:100] + _late(packets[100:], 3), tmp_path)
    out = tmp_path / "clip.mp4"
    made = clip_of(_segments(tmp_path), _ns(3), _ns(9), out)
    assert _gaps_s(made) == [(4, 7)]
    verify(out, made.start_ns, _ns(3), _ns(9), made.gaps_ms)
    assert abs(_duration_s(out, ffmpeg) - 6) <= 0.04
    with Mp4Reader(out) as reader:
        times = [sample.pts for sample in reader]
    assert max(after - before for before, after in pairwise(times)) == round(3.04 * MOVIE_SCALE)


def test_a_hole_between_keyframes_lasts_until_the_next(tmp_path: Path) -> None:
    packets = packets_of(PLAIN)
    record(packets[:110] + _late(packets[110:], 5), tmp_path, segment_s=60)
    made = clip_of(_segments(tmp_path), _ns(3), _ns(12), tmp_path / "clip.mp4")
    assert _gaps_s(made) == [(4.4, 10)]


def test_sessions_of_equal_parameters_are_joined(tmp_path: Path) -> None:
    again = packets_of(PLAIN, start_ns=_ns(4.5), session=2)
    record(packets_of(PLAIN)[:100] + again[:100], tmp_path)
    out = tmp_path / "clip.mp4"
    made = clip_of(_segments(tmp_path), _ns(3), _ns(7), out)
    assert _gaps_s(made) == [(4, 4.5)]
    assert len(nals_of_file(out)) == 25 + 63  # from 3.0 to 4.0 and from 4.5 to 7.0


@pytest.mark.parametrize(
    ("from_s", "to_s", "codec", "gap"), [(1, 5, "h264", (4, 5)), (3, 8, "hevc", (3, 4))]
)
def test_where_parameters_change_the_side_with_most_of_the_range_is_clip_of(
    from_s: float, to_s: float, codec: str, gap: tuple[float, float], tmp_path: Path
) -> None:
    record(packets_of(PLAIN)[:100] + packets_of(HEVC, start_ns=_ns(4), session=2), tmp_path)
    out = tmp_path / "clip.mp4"
    made = clip_of(_segments(tmp_path), _ns(from_s), _ns(to_s), out)
    assert _codec(out) == codec
    assert _gaps_s(made) == [gap]
    assert made.start_ns == _ns(max(from_s, 4 if codec == "hevc" else 0))
    assert _in_seconds(made.apart_ms) == [gap]
    verify(out, made.start_ns, _ns(from_s), _ns(to_s), made.gaps_ms)


@pytest.mark.parametrize("codec", ["aac", "pcm_alaw", "pcm_mulaw"])
@pytest.mark.parametrize("kind", ["plain", "hevc_b_frames"])
def test_sound_goes_with_its_pictures(codec: str, kind: str, tmp_path: Path, ffmpeg: str) -> None:
    packets = packets_of(KINDS[kind])
    sound = sound_of(codec, packets[0], 11.9, delay_ns=NS_PER_S // 8)
    record(with_sound(packets, sound), tmp_path, sound=sound)
    out = tmp_path / "clip.mp4"
    made = clip_of(_segments(tmp_path), _ns(1.33), _ns(7.7), out)
    verify(out, made.start_ns, _ns(1.33), _ns(7.7), made.gaps_ms)
    decoded = _sound_in(out)
    expected = [piece for piece in sound if _end_ns(piece) > _ns(1.33) and piece.wall_ns < _ns(7.7)]
    assert [data for data, _ in decoded] == [piece.data for piece in expected]
    assert all(
        abs(made.start_ns + ns - piece.wall_ns) < NS_PER_S // 4000
        for (_, ns), piece in zip(decoded, expected, strict=True)
    )
    assert abs(_first_shown(out, ffmpeg) - 1.33 * 25) <= 1
    assert _complaints(out, ffmpeg) == ""


def test_a_hole_is_as_long_in_the_sound(tmp_path: Path, ffmpeg: str) -> None:
    packets = packets_of(PLAIN)
    sound = sound_of("pcm_alaw", packets[0], 12)
    later = [
        replace(
            piece,
            wall_ns=piece.wall_ns + 3 * NS_PER_S,
            received_ns=piece.received_ns + 3 * NS_PER_S,
        )
        for piece in sound[200:]
    ]
    sent = with_sound(packets, sound)
    record(sent[:100] + _late(sent[100:], 3), tmp_path, sound=sound[:200] + later)
    out = tmp_path / "clip.mp4"
    made = clip_of(_segments(tmp_path), _ns(3), _ns(9), out)
    assert _gaps_s(made) == [(4, 7)]
    times = [ns for _, ns in _sound_in(out)]
    assert max(after - before for before, after in pairwise(times)) == pytest.approx(
        3.02 * NS_PER_S, abs=NS_PER_S / 1000
    )
    assert _complaints(out, ffmpeg) == ""


def test_a_clip_begins_without_sound_where_none_is_recorded_yet(
    tmp_path: Path, ffmpeg: str
) -> None:
    packets = packets_of(PLAIN)
    sound = sound_of("aac", packets[60], 6)
    record(
        packets[:50]
        + with_sound(packets_of(PLAIN, start_ns=_ns(2), session=2)[:150], _of_session(sound, 2)),
        tmp_path,
        sound=_of_session(sound, 2),
    )
    out = tmp_path / "clip.mp4"
    made = clip_of(_segments(tmp_path), _ns(1), _ns(6), out)
    assert made.gaps_ms == ()
    first_ns = _sound_in(out)[0][1]
    assert made.start_ns + first_ns == pytest.approx(packets[60].wall_ns, abs=NS_PER_S / 4000)
    assert abs(_duration_s(out, ffmpeg) - 5) <= 0.1


def _of_session(sound: list[AudioPacket], session: int) -> list[AudioPacket]:
    return [replace(piece, stream=replace(piece.stream, session=session)) for piece in sound]


def _end_ns(piece: AudioPacket) -> int:
    assert piece.stream.audio is not None
    return piece.wall_ns + piece.duration * NS_PER_S // piece.stream.audio.clock_hz


def _sound_in(clip: Path) -> list[tuple[bytes, int]]:
    """The pieces of sound as they lie in the file, with their times."""
    with av.open(str(clip), options={"advanced_editlist": "0"}) as container:
        stream = container.streams.audio[0]
        base = stream.time_base
        assert base is not None
        return [
            (bytes(p), int((p.pts or 0) * base * NS_PER_S))
            for p in container.demux(stream)
            if p.size
        ]


def _complaints(clip: Path, ffmpeg: str) -> str:
    """What ffmpeg has to say while it decodes all of it, but that one channel is guessed to be
    mono.
    """
    command = [ffmpeg, "-v", "warning", "-i", str(clip), "-f", "null", "-"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stderr.splitlines()
    return "\n".join(line for line in lines if "Guessed Channel Layout" not in line)


def test_recorded_twice_no_packet_is_there_twice(tmp_path: Path) -> None:
    packets = packets_of(PLAIN)
    record(packets[:200], tmp_path, fence=1)
    record(packets[100:], tmp_path, fence=2)
    out = tmp_path / "clip.mp4"
    made = clip_of(_segments(tmp_path), _ns(0), _ns(12), out)
    assert made.gaps_ms == ()
    assert len(nals_of_file(out)) == 300


@pytest.mark.parametrize("material", [PLAIN, B_FRAMES, LONG_GOP, HEVC], ids=str)
def test_a_clip_is_cut_from_the_segment_being_written(material: Material, tmp_path: Path) -> None:
    segments = recording(tmp_path, segment_s=10).segments
    packets = packets_of(material)[:100]
    for at in range(0, 100, 20):
        segments.write(packets[at : at + 20])
    out = tmp_path / "clip.mp4"
    made = clip_of(_segments(tmp_path), _ns(0.6), segments.recorded_until_ns, out)
    verify(out, made.start_ns, _ns(0.6), segments.recorded_until_ns)
    assert made.gaps_ms == ()
    listed = _segments(tmp_path)
    segments.close()
    again = clip_of(
        listed, _ns(0.6), segments.recorded_until_ns, out
    )  # listed while open, and renamed since
    assert again.gaps_ms == ()


def test_nothing_recorded_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing is recorded between 2025-10-09"):
        clip_of((), _ns(0), _ns(1), tmp_path / "clip.mp4")
    gone = Segment(tmp_path / "gone.mp4", "cam-1", _ns(0), _ns(10), 1)
    with pytest.raises(NotFound):
        clip_of((gone,), _ns(0), _ns(1), tmp_path / "clip.mp4")


def test_a_damaged_segment_is_a_gap(tmp_path: Path) -> None:
    record(packets_of(PLAIN), tmp_path)
    second = _segments(tmp_path)[1]
    second.path.write_bytes(second.path.read_bytes()[:-200])
    out = tmp_path / "clip.mp4"
    made = clip_of(_segments(tmp_path), _ns(1), _ns(6), out)
    ((start_s, end_s),) = _gaps_s(made)
    assert 2 < start_s < 4
    assert end_s == 4
    verify(out, made.start_ns, _ns(1), _ns(6), made.gaps_ms)
    with pytest.raises(DataLoss, match="lacks"):
        verify(out, made.start_ns, _ns(1), _ns(7), made.gaps_ms)


@pytest.fixture
def hashed(tmp_path: Path) -> Path:
    """Segments of about 2 s whose fragments the recorder hashed."""
    record(packets_of(PLAIN), tmp_path)
    index = RecordingIndex(tmp_path / "index")
    for segment in _segments(tmp_path):
        index.add("cam-1", segment.start_ns, hashed_record(segment.path))
    return tmp_path


def test_a_damaged_fragment_is_a_gap_that_is_reported(hashed: Path) -> None:
    """One byte of a picture is flipped, so only the hash of its fragment differs."""
    out, damaged = hashed / "clip.mp4", list[int]()
    whole = clip_of(_segments(hashed), _ns(1), _ns(9), out, hashed / "index", damaged)
    intact = out.read_bytes()
    assert (whole.damaged_ms, whole.hashed_late_ms, damaged) == ((), (), [])
    path = _segments(hashed)[1].path
    data = bytearray(path.read_bytes())
    data[-50] ^= 1
    path.write_bytes(data)
    made = clip_of(_segments(hashed), _ns(1), _ns(9), out, hashed / "index", damaged)
    assert len(damaged) == 1
    assert made.gaps_ms == made.damaged_ms
    ((start_s, end_s),) = _gaps_s(made)
    assert 2 < start_s < end_s == 4
    verify(out, made.start_ns, _ns(1), _ns(9), made.gaps_ms)
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
        sources = open_segments(_segments(hashed), RecordingIndex(hashed / "index"), held)
        sources[1] = replace(sources[1], open_part=fail)
        made = make_clip(sources, _ns(1), _ns(9), out, lambda _, __: pytest.fail("damaged"))
        assert _gaps_s(made) == [(2, 4)]
        assert made.damaged_ms == ()
        verify(out, made.start_ns, _ns(1), _ns(9), made.gaps_ms)
        with pytest.raises(DataLoss, match="nothing recorded between"):
            make_clip([sources[1]], _ns(2.5), _ns(3.5), out, lambda _, __: None)


def test_a_process_without_free_descriptors_makes_the_clip_later(hashed: Path) -> None:
    def fail(offset: int, length_bytes: int) -> PartStream:
        raise OSError(errno.EMFILE, "Too many open files")

    with ExitStack() as held:
        sources = open_segments(_segments(hashed), RecordingIndex(hashed / "index"), held)
        sources[1] = replace(sources[1], open_part=fail)
        with pytest.raises(StoreError, match="cannot be opened now"):
            make_clip(sources, _ns(1), _ns(9), hashed / "clip.mp4", lambda _, __: None)


def test_a_clip_names_what_the_recorder_did_not_hash(hashed: Path) -> None:
    second = _segments(hashed)[1]
    second.path.write_bytes(second.path.read_bytes() + b"\0" * 8)  # another version of the file
    made = clip_of(_segments(hashed), _ns(1), _ns(9), hashed / "clip.mp4", hashed / "index")
    assert _in_seconds(made.hashed_late_ms) == [(2, 4)]
    without = clip_of(_segments(hashed), _ns(1), _ns(9), hashed / "clip.mp4")
    assert _in_seconds(without.hashed_late_ms) == [(1, 9)]


def test_a_clip_of_which_all_is_damaged_is_refused(hashed: Path) -> None:
    damaged = list[int]()
    for segment in _segments(hashed):
        data = bytearray(segment.path.read_bytes())
        for at in range(data.index(b"moof"), len(data), 50):
            data[at] ^= 1
        segment.path.write_bytes(data)
    with pytest.raises(DataLoss, match="is damaged"):
        clip_of(_segments(hashed), _ns(1), _ns(5), hashed / "clip.mp4", hashed / "index", damaged)
    assert damaged
    assert not (hashed / "clip.mp4").exists()


def test_a_clip_that_cannot_be_written_leaves_nothing(
    recordings: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(StoreError):
        clip_of(_segments(recordings["plain"]), _ns(1), _ns(2), tmp_path / "absent" / "clip.mp4")


def test_verify_refuses_what_is_no_clip_of_the_moment(
    recordings: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "clip.mp4"
    made = clip_of(_segments(recordings["plain"]), _ns(2), _ns(5), out)
    whole = out.read_bytes()
    for asked in ((1.5, 5), (2, 5.5), (7, 8), (7, 7), (1.9, 1.9)):
        with pytest.raises(DataLoss, match="lacks"):
            verify(out, made.start_ns, _ns(asked[0]), _ns(asked[1]))
    for damaged in (whole[: len(whole) // 2], whole[:40], b"", b"\0" * 1_000):
        out.write_bytes(damaged)
        with pytest.raises(DataLoss):
            verify(out, made.start_ns, _ns(2), _ns(5))
    out.unlink()
    with pytest.raises(DataLoss):
        verify(out, made.start_ns, _ns(2), _ns(5))


def test_of_a_clip_whose_pictures_are_proven_none_is_decoded_and_the_head_is_checked(
    recordings: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "clip.mp4"
    made = clip_of(_segments(recordings["plain"]), _ns(2), _ns(5), out)
    decoded: list[Sample] = []
    monkeypatch.setattr(Mp4Reader, "decode", lambda reader, sample: decoded.append(sample))
    verify(out, made.start_ns, _ns(2), _ns(5), made.gaps_ms, is_proven=True)
    assert decoded == []
    verify(out, made.start_ns, _ns(2), _ns(5), made.gaps_ms)
    assert len(decoded) == 1
    with pytest.raises(DataLoss, match="lacks"):
        verify(out, made.start_ns, _ns(2), _ns(5.5), is_proven=True)
    whole = out.read_bytes()
    with Mp4Reader(out) as reader:
        first = next(iter(reader)).data
    no_slice = (len(first) - 4).to_bytes(4) + bytes(len(first) - 4)
    torn = first[:3] + bytes([first[3] ^ 1]) + first[4:]
    for damaged in (no_slice, torn, bytes(len(first))):
        out.write_bytes(whole.replace(first, damaged))
        with pytest.raises(DataLoss, match="cannot be decoded"):
            verify(out, made.start_ns, _ns(2), _ns(5), made.gaps_ms, is_proven=True)


def test_the_first_picture_of_a_proven_clip_in_h265_is_checked_by_its_unit_types(
    recordings: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "clip.mp4"
    made = clip_of(_segments(recordings["hevc"]), _ns(2), _ns(5), out)
    assert _codec(out) == "hevc"
    verify(out, made.start_ns, _ns(2), _ns(5), made.gaps_ms, is_proven=True)


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
    made = clip_of(_segments(tmp_path), *asked, out)
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
