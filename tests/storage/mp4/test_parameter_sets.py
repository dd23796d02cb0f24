from __future__ import annotations

import io
from contextlib import suppress

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DataLoss
from ingest.packets import nal
from storage.mp4.parameter_sets import sample_entry_box
from tests.recorded import HEVC, PLAIN, Material, packets_of


def _by_libavformat(material: Material) -> bytes:
    """The configuration record that libavformat's muxer makes of the same stream."""
    name = "h264" if material.codec == "h264" else "hevc"
    raw = b"".join(packet.data for packet in packets_of(material)[:5])
    out = io.BytesIO()
    with (
        av.open(io.BytesIO(raw), "r", format=name) as source,
        av.open(out, "w", format="mp4") as made,
    ):
        video = made.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if packet.size:
                packet.pts = packet.dts = number
                packet.stream = video
                made.mux(packet)
    out.seek(0)
    with av.open(out) as container:
        return bytes(container.streams.video[0].codec_context.extradata or b"")


def _sets(material: Material) -> tuple[bytes, ...]:
    return nal.parameter_sets(material.codec, packets_of(material)[0].data)


def test_avcc_is_what_libavformat_writes() -> None:
    assert sample_entry_box("h264", _sets(PLAIN)) == _by_libavformat(PLAIN)


def test_hvcc_says_of_the_stream_what_libavformat_says() -> None:
    ours, theirs = sample_entry_box("hevc", _sets(HEVC)), _by_libavformat(HEVC)
    assert ours[1:13] == theirs[1:13]  # profile, tier, level
    assert ours[16:19] == theirs[16:19]  # chroma format, bit depths
    assert ours[21] == theirs[21]  # temporal layers, length size
    assert all(unit in ours for unit in _sets(HEVC))


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@given(st.data())
def test_damaged_sets_are_refused_or_declared_and_nothing_else(
    codec: str, data: st.DataObject
) -> None:
    whole = _sets(PLAIN if codec == "h264" else HEVC)
    units = [
        unit[: data.draw(st.integers(1, len(unit)))] + data.draw(st.binary(max_size=20))
        for unit in whole
    ]
    with suppress(DataLoss):
        sample_entry_box(codec, units)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_sets_that_no_box_could_hold_are_refused_or_left_out(codec: str) -> None:
    whole = _sets(PLAIN if codec == "h264" else HEVC)
    with pytest.raises(DataLoss, match="too long"):
        sample_entry_box(codec, (*whole, whole[-1] + bytes(70_000)))
    assert sample_entry_box(codec, whole + whole * 50)
    with pytest.raises(DataLoss, match="lack"):
        sample_entry_box(codec, whole[:1])
