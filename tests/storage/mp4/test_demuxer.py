from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import pytest

from storage.mp4.demuxer import Mp4Reader
from storage.recordings.ledger import Ledger, Segment
from tests.cut_clip import cut
from tests.recorded import KINDS, PLAIN, START_NS, packets_of, record, sound_of, with_sound


def _found_by_decoding(path: Path) -> tuple[Any, list[Any]]:
    """What libavformat tells of a file when it may look at the pictures themselves."""
    with av.open(str(path), format="mp4") as container:
        video = container.streams.video[0]
        context = video.codec_context
        parameters = (
            context.name,
            context.width,
            context.height,
            context.extradata,
            video.time_base,
        )
        kept = [video, *container.streams.audio[:1]]
        return parameters, [
            (bytes(packet), packet.pts, packet.dts, packet.duration, packet.is_keyframe)
            for packet in container.demux(*kept)
            if packet.size
        ]


def _read(path: Path) -> tuple[Any, list[Any]]:
    with Mp4Reader(path) as reader:
        parameters = reader.parameters
        samples = [
            (one.data, one.pts, one.dts, one.duration, one.is_keyframe)
            for one in reader.with_sound()
        ]
    return (
        parameters.codec,
        parameters.width_px,
        parameters.height_px,
        parameters.extradata,
        parameters.time_base,
    ), samples


def _segments(folder: Path) -> tuple[Segment, ...]:
    return Ledger(folder).segments("cam-1", 0, START_NS * 2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_read_without_a_look_at_its_pictures_as_with_one(
    kind: str, tmp_path: Path
) -> None:
    record(packets_of(KINDS[kind]), tmp_path)
    clip = tmp_path / "clip.mp4"
    segments = _segments(tmp_path)
    cut(segments, segments[0].start_ns + 500_000_000, segments[0].start_ns + 3_000_000_000, clip)

    for path in (segments[0].path, clip):
        assert _read(path) == _found_by_decoding(path)


@pytest.mark.parametrize("codec", ["aac", "pcm_alaw"])
def test_video_with_sound_is_read_the_same(codec: str, tmp_path: Path) -> None:
    packets = packets_of(PLAIN)
    sound = sound_of(codec, packets[0], 4.0)
    record(with_sound(packets, sound), tmp_path, sound=sound)
    path = _segments(tmp_path)[0].path

    assert _read(path) == _found_by_decoding(path)
    with Mp4Reader(path) as reader:
        assert any(sample.is_sound for sample in reader.with_sound())
