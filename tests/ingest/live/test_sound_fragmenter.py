"""One fragment for each packet of sound, with exact times, which another demuxer reads back."""

from __future__ import annotations

import io
from dataclasses import replace

import av
import numpy as np
import pytest

from domain.clock import NS_PER_MS, NS_PER_S
from domain.media.live_stream import LiveFragment
from domain.media.packets import AudioPacket
from ingest.live.sound_fragmenter import MAX_DRIFT_NS, SoundFragmenter
from storage.mp4.fragment_times import boxes_in
from tests.recorded import PLAIN, START_NS, packets_of, sound_of


def fragments_of(packets: list[AudioPacket]) -> list[LiveFragment]:
    fragmenter = SoundFragmenter()
    return [one for packet in packets if (one := fragmenter.fragment(packet)) is not None]


def sound(codec: str, seconds: float = 2.0) -> list[AudioPacket]:
    return sound_of(codec, packets_of(PLAIN)[0], seconds)


@pytest.mark.parametrize(
    ("codec", "mime", "clock_hz", "samples"),
    [
        ("aac", 'audio/mp4; codecs="mp4a.40.2"', 16_000, 1024),
        ("pcm_alaw", 'audio/mp4; codecs="alaw"', 8000, 160),
        ("pcm_mulaw", 'audio/mp4; codecs="ulaw"', 8000, 160),
    ],
)
def test_sound_is_continuous_from_its_wall_time_on(
    codec: str, mime: str, clock_hz: int, samples: int
) -> None:
    packets = sound(codec)
    fragments = fragments_of(packets)
    init = fragments[0].init
    assert (init.mime, init.codec, init.clock_hz, init.channels) == (mime, codec, clock_hz, 1)
    file = io.BytesIO(init.data + b"".join(one.data for one in fragments))
    with av.open(file, "r", format="mp4") as container:
        read = [one for one in container.demux(audio=0) if one.size]
    first = START_NS * clock_hz // NS_PER_S
    assert [one.pts for one in read] == [first + at * samples for at in range(len(packets))]
    assert [bytes(one) for one in read] == [one.data for one in packets]
    assert all(one.init is init and one.is_keyframe for one in fragments)
    assert [one.media_ns for one in fragments] == [
        (first + at * samples) * NS_PER_S // clock_hz for at in range(len(packets))
    ]


def test_aac_can_be_decoded() -> None:
    fragments = fragments_of(sound("aac"))
    file = io.BytesIO(fragments[0].init.data + b"".join(one.data for one in fragments))
    with av.open(file, "r", format="mp4") as container:
        levels = [np.abs(frame.to_ndarray()).max() for frame in container.decode(audio=0)]
    assert len(levels) == len(fragments)
    assert max(levels) > 0.5


@pytest.mark.parametrize(
    ("late_ns", "is_set_again"), [(MAX_DRIFT_NS // 2, False), (2 * MAX_DRIFT_NS, True)]
)
def test_a_clock_that_drifts_is_set_to_the_wall_time(late_ns: int, is_set_again: bool) -> None:
    packets = sound("pcm_alaw")
    late = replace(packets[20], wall_ns=packets[20].wall_ns + late_ns)
    before, after = fragments_of([*packets[:20], late])[-2:]
    step_ns = 20 * NS_PER_MS + (late_ns if is_set_again else 0)
    assert after.media_ns - before.media_ns == pytest.approx(step_ns, abs=NS_PER_MS)


def test_timestamps_that_begin_again_continue_at_the_wall_time() -> None:
    packets = sound("pcm_alaw")
    again = replace(packets[20], pts=5)
    before, after = fragments_of([*packets[:20], again])[-2:]
    assert after.media_ns - before.media_ns == pytest.approx(20 * NS_PER_MS, abs=NS_PER_MS)


def test_another_codec_has_another_initialisation_segment() -> None:
    first, other = sound("pcm_alaw")[:2], sound("aac")[2:4]
    inits = [one.init.codec for one in fragments_of([*first, *other])]
    assert inits == ["pcm_alaw", "pcm_alaw", "aac", "aac"]


def test_fragments_begin_with_moof_by_which_players_recognise_sound() -> None:
    (one,) = fragments_of(sound("aac")[:1])
    assert [box.type for box in boxes_in(one.data, 0, len(one.data))] == [b"moof", b"mdat"]


def test_a_stream_without_sound_gives_nothing() -> None:
    (packet,) = sound("aac")[:1]
    assert SoundFragmenter().fragment(replace(packet, stream=packets_of(PLAIN)[0].stream)) is None
