"""Access units become packets, without a camera."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from domain.media.packets import StreamInfo
from ingest.packets import nal
from ingest.packets.packet_builder import PacketBuilder, SourceCounts, TimedAccessUnit
from ingest.packets.timeline import Timeline


def keyframe_of(file: Path, codec: str) -> bytes:
    """The first picture of a file in Annex B, with its parameter sets."""
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        to_annex_b = av.BitStreamFilterContext(f"{codec}_mp4toannexb", stream)
        return bytes(to_annex_b.filter(next(container.demux(stream)))[0])


def bare(codec: str) -> StreamInfo:
    """The stream of a description without parameter sets."""
    return StreamInfo("gate", codec, 0, 0, Fraction(1, 90_000), b"", 0)


@pytest.mark.parametrize(
    ("name", "codec", "lacking"), [("h264", "h264", "SPS, PPS"), ("hevc", "hevc", "VPS, SPS, PPS")]
)
def test_keyframes_without_parameter_sets_are_counted_and_what_they_lack_is_named(
    name: str, codec: str, lacking: str, clips: dict[str, Path]
) -> None:
    keyframe = keyframe_of(clips[name], codec)
    slices = keyframe[nal.keyframe_head(codec, keyframe) :]
    counts = SourceCounts(Timeline())
    builder = PacketBuilder(counts, bare(codec), None)
    assert builder.packet(TimedAccessUnit(slices, 0, None, 0, 10**18, None)) is None
    assert (counts.unreadable_keyframes, counts.lacking_sets) == (1, lacking)
    assert (
        builder.packet(TimedAccessUnit(keyframe, 3600, None, 0, 10**18 + 40_000_000, None))
        is not None
    )
    counts.reset()
    assert (counts.unreadable_keyframes, counts.lacking_sets) == (0, "")


def test_parameter_sets_without_sense_lack_nothing_and_are_not_readable(
    clips: dict[str, Path],
) -> None:
    keyframe = keyframe_of(clips["h264"], "h264")
    slices = keyframe[nal.keyframe_head("h264", keyframe) :]
    senseless = nal.annex_b((b"\x67\xff\xff\xff", b"\x68\xff")) + slices
    counts = SourceCounts(Timeline())
    unit = TimedAccessUnit(senseless, 0, None, 0, 10**18, None)
    assert PacketBuilder(counts, bare("h264"), None).packet(unit) is None
    assert (counts.unreadable_keyframes, counts.lacking_sets) == (1, "")


def test_parameter_sets_that_only_keyframes_carry_are_found(clips: dict[str, Path]) -> None:
    keyframe = keyframe_of(clips["large"], "h264")
    packet = PacketBuilder(SourceCounts(Timeline()), bare("h264"), None).packet(
        TimedAccessUnit(keyframe, 0, None, 0, 10**18, None)
    )
    assert packet is not None
    info = packet.stream
    assert (info.width_px, info.height_px, info.session) == (640, 480, 1)
    sets = nal.parameter_sets("h264", keyframe)
    assert nal.has_sps("h264", sets)
    assert info.extradata == nal.annex_b(sets)
    assert packet.duration == 3600
