"""One fragment for each packet, with exact times, which a demuxer of its own reads back."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from fractions import Fraction

import av
import pytest
from av.video.stream import VideoStream
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import NS_PER_S
from domain.errors import DataLoss
from domain.media.live_stream import LiveFragment
from domain.media.packets import Packet
from ingest.live.fragmenter import MAX_DRIFT_NS, Fragmenter
from tests.recorded import (
    HEVC,
    KINDS,
    PLAIN,
    START_NS,
    Material,
    nals,
    number_in,
    packets_of,
)

TICKS = 90_000
NTP_EPOCH_S = 2_208_988_800


def fragments_of(packets: list[Packet]) -> list[LiveFragment]:
    fragmenter = Fragmenter()
    return [one for packet in packets if (one := fragmenter.fragment(packet)) is not None]


def samples(fragments: list[LiveFragment]) -> list[av.Packet[VideoStream]]:
    file = io.BytesIO(fragments[0].init.data + b"".join(one.data for one in fragments))
    with av.open(file, "r", format="mp4") as container:
        return [packet for packet in container.demux(video=0) if packet.size]


@pytest.mark.parametrize("material", KINDS.values(), ids=KINDS.keys())
def test_every_picture_has_a_fragment_with_its_exact_time(material: Material) -> None:
    packets = packets_of(material)[:60]
    fragments = fragments_of(packets)
    read = samples(fragments)
    assert len(read) == len(packets) == len(fragments)
    first = START_NS * TICKS // NS_PER_S - packets[0].pts
    for packet, one, sample in zip(packets, fragments, read, strict=True):
        assert (sample.pts, sample.dts) == (first + packet.pts, first + packet.dts)
        assert sample.is_keyframe == packet.is_keyframe == one.is_keyframe
        units = nals(bytes(sample), is_annex_b=False)
        assert units == nals(packet.data, is_annex_b=True)[-len(units) :]
        assert one.media_ns == (first + packet.pts) * NS_PER_S // TICKS
        assert (one.wall_ns, one.received_ns) == (packet.wall_ns, packet.received_ns)


@pytest.mark.parametrize("material", KINDS.values(), ids=KINDS.keys())
def test_the_pictures_can_be_decoded_from_any_keyframe_on(material: Material) -> None:
    packets = packets_of(material)
    fragments = fragments_of(packets)
    start = next(at for at, one in enumerate(fragments) if at and one.is_keyframe)
    part = fragments[start : start + 30]
    file = io.BytesIO(part[0].init.data + b"".join(one.data for one in part))
    with av.open(file, "r", format="mp4") as container:
        shown = [number_in(picture) for picture in container.decode(video=0)]
    assert sorted(shown) == shown
    assert len(shown) == len(part)
    assert shown[0] >= start - material.b_frames


@pytest.mark.parametrize(
    ("material", "mime"),
    [(PLAIN, 'video/mp4; codecs="avc1.'), (HEVC, 'video/mp4; codecs="hvc1.1.6.L')],
)
def test_the_mime_type_names_the_profile(material: Material, mime: str) -> None:
    (first, *_) = fragments_of(packets_of(material)[:1])
    assert first.init.mime.startswith(mime)
    assert (first.init.width_px, first.init.height_px) == (128, 96)


def test_an_initialisation_segment_has_no_duration() -> None:
    (first, *_) = fragments_of(packets_of(PLAIN)[:1])
    data = first.init.data
    assert b"mvex" in data
    assert b"mehd" not in data
    at = data.index(b"mvhd") + 4
    assert struct.unpack_from(">I", data, at + 16) == (0,)


def test_a_fragment_states_the_wall_time_of_its_picture() -> None:
    for packet, one in zip(packets_of(PLAIN)[:5], fragments_of(packets_of(PLAIN)[:5]), strict=True):
        size, name, _, track, seconds, rest, media = struct.unpack_from(">I4sIIIIQ", one.data)
        assert (size, name, track) == (32, b"prft", 1)
        wall_ns = (seconds - NTP_EPOCH_S) * NS_PER_S + (rest * NS_PER_S >> 32)
        assert abs(wall_ns - packet.wall_ns) <= 1
        assert media * NS_PER_S // TICKS == one.media_ns


def test_changed_parameters_give_another_initialisation_segment() -> None:
    before = packets_of(PLAIN)[:30]
    after = packets_of(HEVC, START_NS + 30 * PLAIN.frame_ns, session=2)[:10]
    fragments = fragments_of([*before, *after])
    inits = list(dict.fromkeys(id(one.init) for one in fragments))
    assert len(inits) == 2
    assert [one.init.codec for one in fragments] == ["h264"] * 30 + ["hevc"] * 10
    assert fragments[30].is_keyframe
    assert fragments[30].media_ns - fragments[29].media_ns == pytest.approx(
        PLAIN.frame_ns, abs=NS_PER_S // TICKS
    )


def test_another_stream_that_does_not_begin_with_a_keyframe_waits_for_one() -> None:
    before = packets_of(PLAIN)[:5]
    after = packets_of(PLAIN, START_NS + NS_PER_S, session=2)[20:30]
    shown = [one.media_ns for one in fragments_of([*before, *after])]
    assert len(shown) == 5 + 5
    assert not fragments_of(after[:5])


def test_decoding_times_that_go_back_cost_the_pictures_up_to_the_next_keyframe() -> None:
    packets = packets_of(PLAIN)[:50]
    packets[10] = replace(packets[10], dts=packets[9].dts)
    fragments = fragments_of(packets)
    assert len(fragments) == 10 + 25
    assert fragments[10].is_keyframe
    assert [one.media_ns for one in fragments][10:] == [
        one.media_ns for one in fragments_of(packets_of(PLAIN)[:50])
    ][25:]


def test_the_timeline_follows_the_wall_clock_at_keyframes() -> None:
    packets = packets_of(PLAIN)[:75]
    late = [replace(one, wall_ns=one.wall_ns + MAX_DRIFT_NS * 3 // 2) for one in packets[30:]]
    fragments = fragments_of([*packets[:30], *late])
    shift = [
        one.media_ns - other.media_ns
        for one, other in zip(fragments, fragments_of(packets), strict=True)
    ]
    assert shift[:50] == [0] * 50
    assert shift[50:] == [pytest.approx(MAX_DRIFT_NS * 3 // 2, abs=NS_PER_S // TICKS)] * 25
    assert len({id(one.init) for one in fragments}) == 1


def test_a_stream_without_parameter_sets_cannot_be_sent() -> None:
    packet = packets_of(PLAIN)[0]
    bare = replace(packet, data=b"\0\0\0\1\x65" + bytes(range(1, 60)))
    with pytest.raises(DataLoss, match="no parameter sets"):
        Fragmenter().fragment(bare)


@given(
    st.lists(st.tuples(st.integers(1, 9000), st.integers(0, 20_000)), min_size=1, max_size=40),
    st.sampled_from([Fraction(1, 90_000), Fraction(1, 1000), Fraction(2, 45_000)]),
)
def test_intervals_are_those_of_the_camera(
    steps: list[tuple[int, int]], time_base: Fraction
) -> None:
    first = packets_of(PLAIN)[0]
    stream = replace(first.stream, time_base=time_base)
    dts = 12_345
    packets: list[Packet] = []
    for interval, reorder in steps:
        dts += interval
        packets.append(
            replace(first, stream=stream, dts=dts, pts=dts + reorder, is_keyframe=not packets)
        )
    fragments = fragments_of(packets)
    read = samples(fragments)
    scale = time_base.numerator
    for packet, sample in zip(packets, read, strict=True):
        assert sample.dts is not None
        assert sample.pts is not None
        assert read[0].dts is not None
        assert sample.dts - read[0].dts == (packet.dts - packets[0].dts) * scale
        assert sample.pts - sample.dts == (packet.pts - packet.dts) * scale
