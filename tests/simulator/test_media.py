"""Prepared files have all their content, and files that cannot be played are refused."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from domain.errors import BadInput
from simulator.media import prepare
from simulator.rtp import Codec

MakeVideo = Callable[..., Path]


@pytest.mark.parametrize(("codec", "kind"), [("libx264", Codec.H264), ("libx265", Codec.HEVC)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("b_frames", [0, 2])
def test_a_file_is_prepared_whole(
    make_video: MakeVideo, codec: str, kind: Codec, suffix: str, b_frames: int
) -> None:
    media = prepare(make_video(codec=codec, suffix=suffix, b_frames=b_frames))
    assert media.codec is kind
    assert len(media.units) == 50
    assert media.duration_s == pytest.approx(2.0, abs=0.05)
    assert media.units[0].is_keyframe
    assert media.units[0].due == 0
    assert [unit.due for unit in media.units] == sorted(unit.due for unit in media.units)
    assert all(unit.pts <= unit.due for unit in media.units)
    assert len({unit.pts for unit in media.units}) == 50
    assert "sprop-" in media.sdp[2]


def test_a_stamp_changes_four_fields_and_no_byte_of_video(make_video: MakeVideo) -> None:
    unit = prepare(make_video()).units[0]
    packets = unit.stamped(4, 65_535, (1 << 32) + 5, 0xCAFE)
    assert len(unit.offsets) > 1
    for index, (piece, plain) in enumerate(
        zip(unit.pieces(packets), unit.pieces(bytearray(unit.template)), strict=True)
    ):
        dollar, channel, size, flags, kind, sequence, timestamp, ssrc = struct.unpack(
            ">BBHBBHII", piece[:16]
        )
        assert (dollar, channel, size + 4, flags, kind & 0x7F) == (0x24, 4, len(piece), 0x80, 96)
        assert (sequence, timestamp, ssrc) == ((65_535 + index) & 0xFFFF, 5, 0xCAFE)
        assert bool(kind & 0x80) == (index == len(unit.offsets) - 1)
        assert piece[16:] == plain[16:]


def _sound(path: Path) -> Path:
    with av.open(str(path.with_suffix(".mkv")), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame(format="s16", layout="mono", samples=1024)
        frame.sample_rate, frame.pts = 8000, 0
        container.mux(stream.encode(frame))
    return path.with_suffix(".mkv")


def _text(path: Path) -> Path:
    path.write_text("no video at all " * 100)
    return path


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path, "no such file"),
        (_text, "cannot be read as video"),
        (_sound, "has no video"),
    ],
    ids=["absent", "no video file", "sound only"],
)
def test_what_cannot_be_played_is_refused(
    tmp_path: Path, make: Callable[[Path], Path], says: str
) -> None:
    with pytest.raises(BadInput, match=says):
        prepare(make(tmp_path / "x.mp4"))


def test_another_codec_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(stream.encode())
    with pytest.raises(BadInput, match="its video is mpeg4"):
        prepare(path)
