"""Access units into packets, without a camera."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av

from domain.media import StreamInfo
from ingest import nal
from ingest.intake import Counts, Intake, Unit
from ingest.timeline import Timeline


def test_parameter_sets_that_only_keyframes_carry_are_found(clips: dict[str, Path]) -> None:
    with av.open(str(clips["large"])) as container:
        stream = container.streams.video[0]
        to_annex_b = av.BitStreamFilterContext("h264_mp4toannexb", stream)
        keyframe = bytes(to_annex_b.filter(next(container.demux(stream)))[0])
    bare = StreamInfo("gate", "h264", 0, 0, Fraction(1, 90_000), b"", 0)
    packet = Intake(Counts(Timeline()), bare, None).packet(Unit(keyframe, 0, None, 0, 10**18, None))
    assert packet is not None
    info = packet.stream
    assert (info.width_px, info.height_px, info.session) == (640, 480, 1)
    sets = nal.parameter_sets("h264", keyframe)
    assert nal.has_sps("h264", sets)
    assert info.extradata == nal.annex_b(sets)
    assert packet.duration == 3600
