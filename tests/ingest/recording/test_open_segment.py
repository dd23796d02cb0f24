"""What our writer writes, read by others: libavformat through PyAV, and ffprobe."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import pytest

from domain.clock import NS_PER_S
from domain.media.packets import AudioPacket
from domain.paths.segment_name import SegmentName
from storage.recordings.ledger import Ledger
from tests.recorded import (
    B_FRAMES,
    HEIGHT_PX,
    HEVC_B_FRAMES,
    KINDS,
    PLAIN,
    START_NS,
    WIDTH_PX,
    Material,
    number_in,
    packets_of,
    record,
    sound_of,
    with_sound,
)

EVER = (0, START_NS * 2)
FRAME_MS = 40


def _files(folder: Path) -> list[Path]:
    return [segment.path for segment in Ledger(folder).segments("cam-1", *EVER)]


def _probe(file: Path, ffmpeg: str) -> dict[str, dict[str, str | int]]:
    """What ffprobe says of each stream, packets counted; it may not complain."""
    command = [
        str(Path(ffmpeg).with_name("ffprobe")),
        "-v",
        "warning",
        "-count_frames",
        "-show_streams",
        "-of",
        "json",
        str(file),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stderr == ""
    return {stream["codec_type"]: stream for stream in json.loads(done.stdout)["streams"]}


@pytest.mark.parametrize("kind", KINDS)
def test_every_picture_is_decoded_at_its_time(kind: str, tmp_path: Path, ffmpeg: str) -> None:
    packets = packets_of(KINDS[kind])
    record(packets, tmp_path, segment_s=4)
    seen = 0
    for file in _files(tmp_path):
        with av.open(str(file)) as container:
            for number, picture in enumerate(container.decode(video=0)):
                assert number_in(picture) == seen + number
                assert picture.time == pytest.approx(number / 25)
        probed = _probe(file, ffmpeg)["video"]
        assert (probed["width"], probed["height"], probed["codec_name"]) == (
            WIDTH_PX,
            HEIGHT_PX,
            KINDS[kind].codec,
        )
        assert probed["codec_tag_string"] == ("avc1" if KINDS[kind].codec == "h264" else "hvc1")
        assert probed["pix_fmt"] == "yuv420p"
        assert probed["start_time"] == "0.000000"
        seen += int(probed["nb_read_frames"])
    assert seen == 300


@pytest.mark.parametrize(
    ("codec", "material", "delay_ms"),
    [
        ("aac", PLAIN, -300),
        ("aac", B_FRAMES, 150),
        ("aac", HEVC_B_FRAMES, 0),
        ("pcm_alaw", PLAIN, 150),
        ("pcm_mulaw", B_FRAMES, -300),
    ],
)
def test_audio_matches_its_pictures_and_none_is_lost_between_segments(
    codec: str, material: Material, delay_ms: int, tmp_path: Path, ffmpeg: str
) -> None:
    packets = packets_of(material)
    sound = sound_of(codec, packets[0], 11.9, delay_ms * 1_000_000)
    made = record(with_sound(packets, sound), tmp_path, sound=sound)
    assert made.failures == []
    files = _files(tmp_path)
    assert len(files) == 6
    found: list[tuple[bytes, int]] = []
    for file in files:
        name = SegmentName.parse(file.name)
        assert name is not None
        found += [(data, name.start_ns + ns) for data, ns in _sound_in(file)]
    assert [data for data, _ in found] == [piece.data for piece in sound]
    assert all(
        abs(ns - piece.wall_ns) <= NS_PER_S // 8000
        for (_, ns), piece in zip(found, sound, strict=True)
    )
    probed = _probe(files[0], ffmpeg)["audio"]
    assert probed["codec_name"] == codec
    assert probed["sample_rate"] == ("16000" if codec == "aac" else "8000")


def _sound_in(file: Path) -> list[tuple[bytes, int]]:
    with av.open(str(file)) as container:
        stream = container.streams.audio[0]
        base = stream.time_base
        assert base is not None
        return [
            (bytes(p), int((p.pts or 0) * base * NS_PER_S))
            for p in container.demux(stream)
            if p.size
        ]


def test_sound_that_jumps_lies_where_its_wall_time_says(tmp_path: Path) -> None:
    packets = packets_of(PLAIN)[:100]
    sound = sound_of("pcm_alaw", packets[0], 1.0)
    later = [_moved(piece, 1_000_000, 1.5) for piece in sound]
    record(with_sound(packets, sound), tmp_path, segment_s=60, sound=sound + later)
    (file,) = _files(tmp_path)
    times = [ns for _, ns in _sound_in(file)]
    assert len(times) == 100
    assert times[50] == pytest.approx(1.5 * NS_PER_S, abs=NS_PER_S / 8000)
    assert all(before < after for before, after in pairwise(times))


def test_sound_that_goes_back_in_time_is_left_out(tmp_path: Path) -> None:
    packets = packets_of(PLAIN)[:50]
    sound = sound_of("pcm_alaw", packets[0], 1.0)
    again = [replace(piece, received_ns=sound[-1].received_ns) for piece in sound[20:30]]
    record(with_sound(packets, sound), tmp_path, segment_s=60, sound=sound + again)
    (file,) = _files(tmp_path)
    assert [data for data, _ in _sound_in(file)] == [piece.data for piece in sound]


def _moved(piece: AudioPacket, samples: int, seconds: float) -> AudioPacket:
    ns = round(seconds * NS_PER_S)
    return AudioPacket(
        piece.stream,
        piece.data,
        piece.pts + samples,
        piece.duration,
        piece.wall_ns + ns,
        piece.received_ns + ns,
    )
