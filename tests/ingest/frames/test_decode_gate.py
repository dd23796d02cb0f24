"""Dozing while nothing moves: nothing of what moves is missed, nothing is decoded of what does
not, and sizes that lie are not believed.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import replace

import av
import pytest

from domain.clock import NS_PER_S, SystemClock
from domain.media.fanout import Tap
from domain.media.packets import Frame, Packet
from ingest.frames.decode_gate import BEFORE_NS, PEEK_EVERY_NS, DecodeGate
from ingest.frames.decoder import FrameReader
from ingest.frames.packet_motion import WINDOW_NS
from tests.recorded import START_NS, Material, number_in, packets_of

FPS, GOP = 25, 50
LEARNED_S = 61
"""How long the gate observes a stream before it relies on the sizes of its packets."""


class Lane:
    """A camera's packets through a doze to a reader, each padded to so many bytes; 1080p by its
    stream.
    """

    def __init__(self) -> None:
        self.tap = Tap("decoder", 256, 16 << 20)
        self.reader = FrameReader(self.tap, SystemClock(), 1000.0, "gate")
        self.doze = DecodeGate("gate", self.tap, self.reader)
        self._packets = iter(_stream(300))
        self.frames: list[Frame] = []
        self.fed: list[Packet] = []
        self.decoded = 0

    def come(self, seconds: float, size_bytes: int) -> Iterator[Packet]:
        """Packets, as they are put."""
        for _ in range(round(seconds * FPS)):
            packet = next(self._packets)
            packet = (
                packet
                if packet.is_keyframe
                else replace(
                    packet, data=packet.data + bytes(max(0, size_bytes - packet.size_bytes))
                )
            )
            self.doze.put(packet)
            yield packet

    def feed(self, seconds: float, size_bytes: int) -> None:
        for packet in self.come(seconds, size_bytes):
            self.fed.append(packet)
            taken = self.tap.take(0)
            self.decoded += len(taken)
            if taken:
                self.reader._newest_wall_ns = taken[-1].wall_ns
            for one in taken:
                self.frames += self.reader._frames(one)

    @property
    def numbers(self) -> list[int]:
        return [round((frame.wall_ns - START_NS) * FPS / NS_PER_S) for frame in self.frames]


def _stream(seconds: int) -> list[Packet]:
    packets = packets_of(Material(gop=GOP, length=GOP))
    wide = replace(packets[0].stream, width_px=1920, height_px=1080)
    period = GOP * NS_PER_S // FPS
    return [
        replace(
            one,
            stream=wide,
            pts=one.pts + 90_000 * 2 * n,
            dts=one.dts + 90_000 * 2 * n,
            wall_ns=one.wall_ns + period * n,
        )
        for n in range(seconds // 2)
        for one in packets
    ]


@pytest.fixture
def lane() -> Lane:
    lane = Lane()
    lane.doze.may_rest = True
    lane.feed(LEARNED_S + 1, 600)
    return lane


def test_a_still_picture_is_decoded_until_it_is_known_and_then_no_more(lane: Lane) -> None:
    before = lane.decoded
    assert 55 * FPS < before < LEARNED_S * FPS
    lane.feed(20, 600)
    assert lane.decoded == before
    assert lane.reader.rests
    assert not lane.doze.is_awake


@pytest.mark.parametrize("into_gop_s", [0.3, 0.9, 1.7])
def test_what_moves_is_seen_from_its_first_frame(lane: Lane, into_gop_s: float) -> None:
    lane.feed(into_gop_s, 600)
    began = len(lane.fed)
    seen = len(lane.frames)
    lane.feed(2, 6_000)
    numbers = lane.numbers[seen:]
    assert numbers[0] <= began
    assert numbers == list(range(numbers[0], len(lane.fed))), (
        "every one from there on, though those of the burst come late"
    )
    assert numbers[0] >= began - (WINDOW_NS + BEFORE_NS) * FPS // NS_PER_S - 1, "and few of before"
    assert not lane.reader.rests
    assert lane.doze.is_awake


def test_the_pictures_of_a_burst_are_whole(lane: Lane) -> None:
    lane.feed(0.6, 600)
    seen = len(lane.frames)
    lane.feed(2, 6_000)
    shown = [
        number_in(av.VideoFrame.from_ndarray(frame.bgr, "bgr24")) for frame in lane.frames[seen:]
    ]
    assert shown == [number % GOP for number in lane.numbers[seen:]]


def test_no_packet_is_decoded_twice_however_often_it_dozes(lane: Lane) -> None:
    decoded, fed = lane.decoded, len(lane.fed)
    for still_s, moving_s in (
        (1.3, 0.7),
        (1.7, 0.4),
        (2.9, 1.1),
        (1.5, 0.3),
        (3.3, 0.9),
        (5.7, 2.1),
    ) * 2:
        lane.feed(still_s, 600)
        lane.feed(moving_s, 6_000)
    assert lane.decoded - decoded < 0.9 * (len(lane.fed) - fed)
    assert lane.numbers == sorted(set(lane.numbers))


def test_what_moves_again_soon_goes_on_where_decoding_stopped(lane: Lane) -> None:
    lane.feed(0.2, 600)
    lane.feed(0.6, 6_000)
    while lane.doze.is_awake:
        lane.feed(1 / FPS, 600)
    decoded, seen = lane.decoded, len(lane.frames)
    lane.feed(0.2, 600)
    lane.feed(0.6, 6_000)
    assert lane.doze.is_awake
    assert lane.decoded - decoded == round(0.8 * FPS), (
        "of that group of pictures, what was not decoded yet"
    )
    shown = [
        number_in(av.VideoFrame.from_ndarray(frame.bgr, "bgr24")) for frame in lane.frames[seen:]
    ]
    assert shown == [number % GOP for number in lane.numbers[seen:]]


@pytest.mark.parametrize("calm_s", [0.7, 2.6, 6.1])
def test_who_is_behind_leaves_out_what_would_have_been_held(lane: Lane, calm_s: float) -> None:
    """The queue holds an empty road between two vehicles, and the first has left when its
    reader gets there.
    """
    lane.doze.may_rest = False
    lane.feed(1.0, 3000)
    queued = [*lane.come(calm_s, 600), *lane.come(1.0, 3000)]
    packets = lane.tap.take(0)
    assert list(lane.reader._needed(packets)) == packets == queued, (
        "while something may be in view all is needed"
    )
    lane.doze.may_rest = True
    needed = list(lane.reader._needed(packets))
    left_out = [packet for packet in packets if packet not in needed]
    moved_ns = queued[round(calm_s * FPS)].wall_ns
    assert packets == sorted([*needed, *left_out], key=lambda packet: packet.wall_ns)
    assert all(packet.wall_ns < moved_ns - BEFORE_NS for packet in left_out)
    assert len(left_out) in {0.7: [0], 2.6: range(12), 6.1: range(60, 130)}[calm_s]
    if left_out:
        assert packets[packets.index(left_out[-1]) + 1].is_keyframe
        assert packets.index(left_out[-1]) - packets.index(left_out[0]) == len(left_out) - 1, (
            "what is decoded goes on at one keyframe"
        )


def test_it_stays_awake_while_something_is_in_view(lane: Lane) -> None:
    lane.doze.may_rest = False
    lane.feed(4, 600)
    before = lane.decoded
    lane.feed(4, 600)
    assert lane.decoded - before == 4 * FPS


def test_a_keyframe_is_looked_at_now_and_then(lane: Lane) -> None:
    seen = len(lane.frames)
    lane.feed(PEEK_EVERY_NS / NS_PER_S + 4, 600)
    assert [number % GOP for number in lane.numbers[seen:]] == [0]


def test_sizes_that_did_not_tell_of_what_was_found_are_not_believed_for_a_while(lane: Lane) -> None:
    lane.doze.found(lane.fed[-1].wall_ns)
    lane.feed(4, 600)
    before = lane.decoded
    lane.feed(10, 600)
    assert lane.decoded - before == 10 * FPS


def test_a_stream_that_spends_much_on_a_still_picture_is_decoded_all_the_time() -> None:
    lane = Lane()
    lane.doze.may_rest = True
    lane.feed(120, 8_000)
    assert lane.decoded == len(lane.fed)


def test_a_stream_whose_still_pictures_differ_much_in_size_is_always_decoded() -> None:
    """A vehicle with twice the bytes would not exceed the variation of the still pictures."""
    lane, drawn = Lane(), random.Random(1)
    lane.doze.may_rest = True
    for _ in range(400):
        lane.feed(0.5, round(1_500 * math.exp(drawn.gauss(0, 0.35))))
    assert lane.decoded == len(lane.fed)


def test_a_new_session_is_decoded_until_it_is_known(lane: Lane) -> None:
    packets = [replace(packet, stream=replace(packet.stream, session=2)) for packet in _stream(4)]
    for packet in packets:
        lane.doze.put(packet)
    assert len(lane.tap.take(0)) == len(packets)
