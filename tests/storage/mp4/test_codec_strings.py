"""The MIME types of a file for players, for files of our own writer and of libavformat's."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from io import BytesIO

import av
import pytest

from domain.errors import DataLoss
from storage.mp4.codec_strings import mime_of
from storage.mp4.fragment_times import head_of

H264 = {"profile": "high", "level": "4.0", "preset": "ultrafast"}
H265 = {"x265-params": "log-level=error:pools=1:level-idc=4.0", "preset": "ultrafast"}


def _file(codec: str, options: dict[str, str], tag: str, has_sound: bool = False) -> bytes:
    out = BytesIO()
    with av.open(
        out, "w", format="mp4", options={"movflags": "empty_moov+default_base_moof+frag_keyframe"}
    ) as container:
        video = container.add_stream(codec, rate=10, options=options)
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt, video.time_base = (
            64,
            48,
            "yuv420p",
            Fraction(1, 10),
        )
        video.codec_context.codec_tag = tag
        sound = container.add_stream("aac", rate=16_000) if has_sound else None
        for number in range(3):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts = number
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None:
            container.mux(sound.encode(None))
    return out.getvalue()


@pytest.mark.parametrize(
    ("codec", "options", "tag", "has_sound", "said"),
    [
        (
            "libx264",
            {"profile": "baseline", "level": "3.1", "preset": "ultrafast"},
            "avc1",
            False,
            "avc1.42c01f",
        ),
        (
            "libx264",
            {"level": "4.0", "preset": "veryfast", "profile": "high"},
            "avc1",
            True,
            "avc1.640028,mp4a.40.2",
        ),
        ("libx265", H265, "hvc1", False, "hvc1.1.6.H120.90"),
        (
            "libx265",
            {**H265, "x265-params": H265["x265-params"] + ":no-high-tier=1"},
            "hvc1",
            False,
            "hvc1.1.6.L120.90",
        ),
    ],
)
def test_what_is_reported(
    codec: str, options: dict[str, str], tag: str, has_sound: bool, said: str
) -> None:
    assert (
        mime_of(head_of(_file(codec, options, tag, has_sound)).data)
        == f'video/mp4; codecs="{said}"'
    )


@pytest.mark.parametrize("cut", range(0, 700, 37))
def test_a_damaged_head_is_data_loss_or_says_less(cut: int) -> None:
    head = head_of(_file("libx264", H264, "avc1")).data
    said = ""
    with suppress(DataLoss):
        said = mime_of(head[:cut] + bytes(40) + head[cut + 40 :])
    assert said in ("", 'video/mp4; codecs=""') or said.startswith('video/mp4; codecs="avc1')
